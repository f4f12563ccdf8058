-- What became of a decision. Plan: commands_pkey. $1 sequence.
select outcome, found from signalbox.commands where sequence = $1
