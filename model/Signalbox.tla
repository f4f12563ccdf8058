----------------------------- MODULE Signalbox -----------------------------
(* What the protocol must keep: the promises of design.md, section 2, and   *)
(* the small worlds in which they are checked.                              *)
EXTENDS Protocol

Perms == Permutations(Workers)
Ends  == <>[]AllDone                                 \* every run ends with every record accounted (L3 in the bounded world)

\* Parts of a state that can no longer change anything do not make states differ (VIEW, not used by the bad-* cases):
\* what a fenced worker remembers, stale requests, answers to tokens gone by, late commits of an old epoch.
Quiet(w, p) ==
  LET m == memory[w][p] IN
  IF m.state = "own" /\ m.epoch # ledger.epoch[p]
  THEN [NoMemory EXCEPT !.state = "own", !.published = m.published,
                        !.base = IF assigned[p] = w THEN m.base ELSE 0,
                        !.accounted = IF assigned[p] = w THEN m.accounted ELSE {}]
  ELSE m
Current(x) == ledger.row[x.id].state \in Calling /\ ledger.row[x.id].token = x.token
View == <<ledger, [w \in Workers |-> [p \in P |-> Quiet(w, p)]], assigned, committed,
          {m \in requests : Current(m) \/ (Fresh(m) /\ ~(Grade = 2 /\ m.call = "execute" /\ J(m).state \in {"done", "refused", "reversed"}))},
          {r \in answers : Current(r)},
          site, {c \in lateCommits : c.epoch = ledger.epoch[c.p]}, results, faults>>

----------------------------------------------------------------------------
S1ledger == \A l \in Locations, s \in Slots :
              Cardinality({i \in Ids : ledger.row[i].state \in HoldingStates /\ ledger.row[i].location = l /\ ledger.row[i].slot = s}) <= 1
S1site   == \A l \in Locations : Cardinality({i \in Ids : ledger.row[i].location = l /\ \E k \in 1..NSteps : site.journal[i][k].state = "busy"}) <= N
S1limit  == "S1" \notin ledger.bad                    \* no begin above the concurrency of its moment
S2order  == "S2" \notin ledger.bad
S4origin == \A i \in Ids : ledger.row[i].state # "none" =>
              \E p \in P : \E o \in Offsets(p) : Mine(ledger.row[i], p, o) /\ Rec(p, o).id = i /\ Rec(p, o).content = ledger.row[i].content
S6once   == \A i \in Ids, k \in 1..NSteps : site.effects[i][k] <= 1 /\ site.undone[i][k] <= site.effects[i][k]
S7truth  == \A i \in Ids, k \in 1..NSteps :
              /\ ledger.row[i].state = "completed"   => site.effects[i][k] = 1 /\ site.undone[i][k] = 0
              /\ ledger.row[i].state = "rolled_back" => site.effects[i][k] = site.undone[i][k] /\ site.journal[i][k].state # "busy"
S8intent == \A i \in Ids, k \in 1..NSteps : site.journal[i][k].state # "none" => ledger.row[i].token # 0
S9offset == \A p \in P : \A o \in Offsets(p) : o <= committed[p] => Accounted(ledger, p, o)
S11stale == "S11" \notin ledger.bad
S12live  == \A i \in Ids : ledger.row[i].state \in HoldingStates =>
              ledger.row[i].token >= site.mark[ledger.row[i].location][IF M = "tokenPerLocation" THEN 1 ELSE ledger.row[i].slot]
S13event == "S13" \notin ledger.bad                   \* every change is one of the table, event included
S15other == \A p \in P : \A o \in Offsets(p) : <<p, o>> \in ledger.deadLetters => ledger.row[Rec(p, o).id].content # Rec(p, o).content
R1truth  == \A x \in results : ledger.row[x[3]].state = x[4] /\ ledger.row[x[3]].number = x[2]
R2gapless == \A x \in results : \A n \in 1..x[2] : \E y \in results : y[1] = x[1] /\ y[2] = n
R3stored == \A p \in P : \A n \in 1..ledger.published[p] : \E y \in results : y[1] = p /\ y[2] = n

\* every holder is known to a worker, unless a take-over is still to come (an orphan is a dead lane)
NoOrphan == \A i \in Ids : ledger.row[i].state \in HoldingStates =>
   LET p == ledger.row[i].p IN
     \/ \E w \in Workers : memory[w][p].state \in {"assigned", "snapshot", "dead"}
     \/ \E w \in Workers : memory[w][p].state = "own" /\ (memory[w][p].lost \/ memory[w][p].epoch # ledger.epoch[p] \/ memory[w][p].holds[i] = ledger.row[i].token)

\* Not vacuous: this must be VIOLATED (an end with every fault spent, something completed and something rolled back or refused is reached).
Unreached == ~(AllDone /\ faults = [crashes |-> MaxCrashes, rebalances |-> MaxRebalances, timeouts |-> MaxTimeouts, retries |-> MaxRetries,
                                    lostAnswers |-> MaxLostAnswers, held |-> MaxHeld, decisions |-> MaxDecisions]
               /\ \E i \in Ids : ledger.row[i].state = "completed" /\ (ledger.deadLetters # {} \/ \E j \in Ids : ledger.row[j].state = "rolled_back"))
\* Likewise: the transition that the case names is taken.
Untaken == "aim" \notin ledger.bad

S5final   == [][\A i \in Ids : ledger.row[i].state \in FinalStates => ledger'.row[i] = ledger.row[i]]_vars
S10offset == [][\A p \in P : committed'[p] >= committed[p]]_vars
S12grow   == [][\A i \in Ids : ledger'.row[i].token >= ledger.row[i].token]_vars
S13legal  == [][\A i \in Ids : ledger'.row[i].state = ledger.row[i].state
                  \/ \E t \in Transitions : t[1] = ledger.row[i].state /\ t[3] = ledger'.row[i].state]_vars

----------------------------------------------------------------------------
(* Topics used by the cases.                                                *)
R(i, l, c) == [id |-> i, location |-> l, content |-> c]
OneRecord   == << <<R("a", "L", 1)>> >>
TwoRecords  == << <<R("a", "L", 1), R("b", "L", 1)>> >>
ThreeRecords == << <<R("a", "L", 1), R("b", "L", 1), R("c", "L", 1)>> >>
TwoLocations == << <<R("a", "L", 1), R("b", "K", 1), R("c", "L", 1)>> >>
Duplicates  == << <<R("a", "L", 1), R("b", "L", 1), R("a", "L", 1), R("a", "L", 2)>> >>
TwoPartitions == << <<R("a", "L", 1)>>, <<R("b", "L", 1)>> >>
DuplicatesInBoth == << <<R("a", "L", 1), R("b", "L", 1)>>, <<R("a", "L", 1), R("c", "K", 1)>> >>
Mixed == << <<R("a", "L", 1), R("b", "L", 1), R("c", "K", 1), R("a", "L", 1), R("d", "L", 1)>>, <<R("e", "L", 1), R("b", "L", 2), R("f", "K", 1)>> >>
NoAim == <<"none", "none", "none">>
=============================================================================
