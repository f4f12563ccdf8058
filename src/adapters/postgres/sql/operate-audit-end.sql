-- The end of the audit's chain. One row.
select sequence::text as sequence from signalbox.audit_end
