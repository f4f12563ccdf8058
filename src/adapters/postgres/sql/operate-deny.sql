-- An act that was refused, for the audit. $1 actor, $2 action, $3 target, $4 reason, $5 detail.
select signalbox.append_audit($1, $2, $3, $4, $5)
