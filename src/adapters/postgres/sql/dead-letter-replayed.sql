-- Its record is on the topic. $1 topic, $2 partition, $3 offset. Plan: dead_letters_place, dead_letters_pkey.
update signalbox.dead_letters d set state = 'replayed'
  where (d.topic_id, d.partition, d."offset") = (select s.topic_id, s.partition, s."offset" from signalbox.dead_letters s
      where s.topic = $1 and s.partition = $2 and s."offset" = $3 order by s.at desc limit 1)
    and d.state = 'replaying'
