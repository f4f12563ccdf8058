----------------------------- MODULE Protocol -----------------------------
(* The protocol of a transaction (design, sections 3 to 5): workers that    *)
(* crash, are replaced and do not know it, the epoch of a partition, the    *)
(* commits of the ledger and their lost answers, lanes with N slots,        *)
(* parking, a location of grade G3 or G2 behind a network that delays,      *)
(* repeats, reorders and loses, doubt, retry, reversal, held, decisions of  *)
(* people, take-over, results. What it must keep is in Signalbox.tla.       *)
(*                                                                          *)
(* Reductions, each sound for the properties checked:                       *)
(* - A request enters `requests` in the step that commits its intent and    *)
(*   stays there for ever: delivered late, twice, out of order or never.    *)
(*   This covers a send by a zombie, loss and duplication, and asking again *)
(*   under the same token. The same for `answers`.                          *)
(* - Receiving an answer and committing what follows is one step; a delay   *)
(*   between the two equals a later delivery.                               *)
(* - A worker sees all records behind the committed offset at once; parking *)
(*   takes any prefix of a lane, which covers records that arrive later.    *)
(* - Tokens are counted per location (the real sequence is global).         *)
(* - A stale request gets an answer only if its token is the current one.   *)
(* Faults are bounded by counters, never by state constraints, so that      *)
(* TLC's deadlock check means: a state from which nothing can move although *)
(* some record has no outcome (S3, and stuck lanes).                        *)
EXTENDS Naturals, Sequences, FiniteSets, TLC, States

CONSTANTS
  Workers,
  Topic,      \* sequence of partitions, each a sequence of [id, location, content]
  N,          \* concurrency of every location
  NSteps,     \* steps of every transaction
  MaxCrashes, MaxRebalances, MaxTimeouts, MaxRetries, MaxLostAnswers, MaxHeld, MaxDecisions,   \* fault budgets
  CanRefuse, CanRetry,   \* answers the location may give
  Parking, Results,
  Grade,      \* 3: keys, fence, fencing status; 2: keys only
  Lower,      \* an operator may lower the concurrency of a location to 1 while work is on
  M,          \* "none", or the name of a mutation, or of another reading of the design
  Aim         \* the transition a some-* case wants to see taken

VARIABLES ledger, memory, assigned, committed, requests, answers, site, lateCommits, results, faults
vars == <<ledger, memory, assigned, committed, requests, answers, site, lateCommits, results, faults>>

P     == DOMAIN Topic
Offsets(p) == 1..Len(Topic[p])
Rec(p, o) == Topic[p][o]
Ids   == UNION {{Rec(p, o).id : o \in Offsets(p)} : p \in P}
Locations == UNION {{Rec(p, o).location : o \in Offsets(p)} : p \in P}
Slots == 1..N
Min(S) == CHOOSE x \in S : \A y \in S : x <= y
Max(S) == CHOOSE x \in S : \A y \in S : x >= y

\* What the unique index of holders sees.
Index == IF M = "indexForgetsDoubt" THEN HoldingStates \ {"in_doubt"} ELSE HoldingStates
NoRow == [state |-> "none", p |-> 0, offset |-> 0, location |-> "-", slot |-> 0, token |-> 0, step |-> 0,
          content |-> 0, number |-> 0, byPerson |-> FALSE]
NoMemory == [state |-> "none", epoch |-> 0, base |-> 0, accounted |-> {}, holds |-> [i \in Ids |-> 0],
             lost |-> FALSE, published |-> 0]

Mine(row, p, o) == row.p = p /\ row.offset = o      \* the row was made from this very record
Accounted(L, p, o) == <<p, o>> \in L.deadLetters \/ L.row[Rec(p, o).id].state # "none"

----------------------------------------------------------------------------
(* The transitions of src/core/states.ts that happen here. What the table   *)
(* has beyond them is listed with its reason in model/not-modelled.ts; a    *)
(* test compares the three. Every change below is checked against this set. *)
Taken == {
  <<"none", "park", "received">>,
  <<"none", "begin", "executing">>,
  <<"received", "begin", "executing">>,
  <<"received", "cancel", "rolled_back">>,
  <<"executing", "done", "executing">>,
  <<"executing", "done", "completed">>,
  <<"executing", "refused", "reversing">>,
  <<"executing", "refused", "rolled_back">>,
  <<"executing", "retry", "executing">>,
  <<"executing", "retry", "in_doubt">>,
  <<"executing", "retry", "held">>,
  <<"executing", "unknown", "in_doubt">>,
  <<"executing", "takeover", "in_doubt">>,
  <<"executing", "give_up", "held">>,
  <<"in_doubt", "done", "executing">>,
  <<"in_doubt", "done", "completed">>,
  <<"in_doubt", "done", "reversing">>,
  <<"in_doubt", "refused", "reversing">>,
  <<"in_doubt", "refused", "rolled_back">>,
  <<"in_doubt", "never", "executing">>,
  <<"in_doubt", "never", "reversing">>,
  <<"in_doubt", "never", "rolled_back">>,
  <<"in_doubt", "retry", "held">>,
  <<"in_doubt", "give_up", "held">>,
  <<"in_doubt", "decide", "executing">>,
  <<"in_doubt", "decide", "in_doubt">>,
  <<"in_doubt", "decide", "reversing">>,
  <<"reversing", "reversed", "reversing">>,
  <<"reversing", "reversed", "rolled_back">>,
  <<"reversing", "give_up", "held">>,
  <<"reversing", "decide", "reversing">>,
  <<"held", "decide", "executing">>,
  <<"held", "decide", "in_doubt">>,
  <<"held", "decide", "reversing">>,
  \* A transaction that a person rolled back and then ordered again, at a participant that keeps its keys.
  <<"executing", "reversed", "reversing">>,
  <<"executing", "reversed", "rolled_back">>,
  <<"in_doubt", "reversed", "reversing">>,
  <<"in_doubt", "reversed", "rolled_back">> }
ASSUME Taken \subseteq Transitions

\* What the ledger remembers of a change for the checks.
Noted(L, from, event, to) ==
  LET change == <<from, event, to>> IN
  IF change \notin Taken THEN [L EXCEPT !.bad = @ \cup {"S13"}]
  ELSE IF change = Aim THEN [L EXCEPT !.bad = @ \cup {"aim"}] ELSE L

----------------------------------------------------------------------------
(* The ledger: what one commit does.                                        *)
Held(L, l) == {i \in Ids : L.row[i].state \in Index /\ L.row[i].location = l}
Holder(L, l, s) == \E i \in Held(L, l) : L.row[i].slot = s
HolderAbove(L, l) == \E i \in Held(L, l) : L.row[i].slot > L.limit[l]

\* S2: every earlier record of the lane must have begun, ended or been refused
OutOfOrder(L, p, o) ==
  \E q \in 1..(o - 1) :
     /\ Rec(p, q).location = Rec(p, o).location
     /\ <<p, q>> \notin L.deadLetters
     /\ LET r == L.row[Rec(p, q).id] IN r.state = "none" \/ (r.state = "received" /\ Mine(r, p, q))

Known(L, p, o) ==                                    \* an id met again
  IF L.row[Rec(p, o).id].content # Rec(p, o).content
  THEN [L EXCEPT !.deadLetters = @ \cup {<<p, o>>}]
  ELSE L

MayBegin(c, p, o) ==
  \/ c.state = "none"
  \/ Mine(c, p, o) /\ c.state \in (IF M = "cancelledBegins" THEN {"received", "rolled_back"} ELSE {"received"})

BeginIn(L, e) ==
  LET r == Rec(e.p, e.offset)  c == L.row[r.id]  l == r.location IN
  IF ~MayBegin(c, e.p, e.offset) THEN Known(L, e.p, e.offset)
  ELSE IF Holder(L, l, e.slot) \/ e.slot > L.limit[l] \/ (M # "lowerBySlot" /\ HolderAbove(L, l))
  THEN L                                             \* busy: told per id, nothing else fails
  ELSE Noted([L EXCEPT
         !.row[r.id] = [NoRow EXCEPT !.state = "executing", !.p = e.p, !.offset = e.offset, !.location = l,
                          !.slot = e.slot, !.token = L.tokens[l] + 1, !.step = 1, !.content = r.content],
         !.tokens[l] = @ + 1,
         !.bad = @ \cup (IF OutOfOrder(L, e.p, e.offset) THEN {"S2"} ELSE {})
                   \cup (IF Cardinality(Held(L, l)) >= L.limit[l] THEN {"S1"} ELSE {})],
         c.state, "begin", "executing")

ParkIn(L, e) ==
  LET r == Rec(e.p, e.offset) IN
  IF L.row[r.id].state # "none" THEN Known(L, e.p, e.offset)
  ELSE Noted([L EXCEPT !.row[r.id] = [NoRow EXCEPT !.state = "received", !.p = e.p, !.offset = e.offset,
                                                   !.location = r.location, !.content = r.content]],
             "none", "park", "received")

NextNumber(L, p) ==
  IF Results THEN 1 + Cardinality({i \in Ids : L.row[i].state \in FinalStates /\ L.row[i].p = p}) ELSE 0

\* A row moves: e is [id, event, to, step, new, byPerson]; new: under a new token.
Move(L, e) ==
  LET c == L.row[e.id]
      token == IF e.new /\ M # "sameToken" THEN L.tokens[c.location] + 1 ELSE c.token IN
  Noted([L EXCEPT
    !.row[e.id] = IF e.to \in FinalStates THEN [c EXCEPT !.state = e.to, !.number = NextNumber(L, c.p)]
                  ELSE [c EXCEPT !.state = e.to, !.step = e.step, !.token = token, !.byPerson = @ \/ e.byPerson],
    !.tokens[c.location] = IF token > @ THEN token ELSE @], c.state, e.event, e.to)

ChangeIn(L, e) ==
  LET c == L.row[e.id] IN
  IF c.state \in HoldingStates /\ c.token = e.token THEN Move(L, e) ELSE L

Change(i, token, event, to, step) ==
  [t |-> "change", id |-> i, token |-> token, event |-> event, to |-> to, step |-> step,
   new |-> to # "held", byPerson |-> FALSE]
Backward(i, token, event, step) ==                   \* the step has no effect: the one before it is next to be undone
  IF step = 1 THEN Change(i, token, event, "rolled_back", 1) ELSE Change(i, token, event, "reversing", step - 1)

\* What a person's decision makes of a row (decideCommand in decide.ts): a fence first where there is one.
Decided(c, row) ==
  LET go(to, byPerson) == [Change(c.id, c.token, "decide", to, row.step) EXCEPT !.byPerson = byPerson] IN
  CASE c.action = "cancel" -> Change(c.id, c.token, "cancel", "rolled_back", row.step)
    [] c.action = "ask" -> go(row.state, FALSE)
    [] c.action = "retry" -> go("executing", FALSE)
    [] c.action = "roll_back" /\ row.state = "reversing" -> go("reversing", TRUE)
    [] c.action = "roll_back" /\ row.state # "reversing" /\ Grade = 2 -> go("reversing", TRUE)
    [] c.action = "roll_back" /\ row.state # "reversing" /\ Grade = 3 ->
         IF M = "rollBackUnfenced" THEN Backward(c.id, c.token, "decide", row.step) ELSE go("in_doubt", TRUE)

\* A command is applied on the state and token that it was decided on, or refused; marked in the same commit.
CommandIn(L, e) ==
  LET c == e.command  row == L.row[c.id]  L2 == [L EXCEPT !.commands = @ \ {c}] IN
  IF c \notin L.commands THEN L
  ELSE IF row.state = c.state /\ row.token = c.token THEN Move(L2, Decided(c, row))
  ELSE IF M = "commandNotCompared" /\ row.state \notin FinalStates THEN Move(L2, Decided(c, row))
  ELSE L2

ApplyEntry(L, e) ==
  CASE e.t = "begin" -> BeginIn(L, e)
    [] e.t = "park" -> ParkIn(L, e)
    [] e.t = "change" -> ChangeIn(L, e)
    [] e.t = "command" -> CommandIn(L, e)

RECURSIVE ApplyAll(_, _)
ApplyAll(L, entries) == IF entries = <<>> THEN L ELSE ApplyAll(ApplyEntry(L, Head(entries)), Tail(entries))

Pass(p, epoch) == epoch = ledger.epoch[p] \/ M = "noEpoch"
Apply(p, epoch, entries) ==
  LET L == ApplyAll(ledger, entries) IN
  IF epoch = ledger.epoch[p] \/ L = ledger THEN L ELSE [L EXCEPT !.bad = @ \cup {"S11"}]

Calling == HoldingStates \ {"held"}
CallOf(row) ==                                       \* callOf in decide.ts
  CASE row.state = "executing" -> "execute"
    [] row.state = "in_doubt" -> IF Grade = 3 THEN "status" ELSE "execute"
    [] row.state = "reversing" -> "reverse"
Request(row, i) == [call |-> CallOf(row), id |-> i, step |-> row.step, token |-> row.token,
                    location |-> row.location, slot |-> row.slot]
Changed(L, L2) == {i \in Ids : L2.row[i] # L.row[i]}
Sent(L, L2) == {Request(L2.row[i], i) : i \in {j \in Changed(L, L2) : L2.row[j].state \in Calling}}
TokenOf(row) == IF row.state \in HoldingStates THEN row.token ELSE 0

Synced(m, L, L2, entries) ==
  [m EXCEPT !.accounted = @ \cup {entries[k].offset :
               k \in {j \in DOMAIN entries : entries[j].t \in {"begin", "park"} /\ Accounted(L2, entries[j].p, entries[j].offset)}},
            !.holds = [i \in Ids |-> IF i \in Changed(L, L2) THEN TokenOf(L2.row[i]) ELSE m.holds[i]]]

\* The ledger takes the commit and the worker hears it.
Answered(w, p, entries) ==
  LET m == memory[w][p]  L2 == Apply(p, m.epoch, entries) IN
  /\ Pass(p, m.epoch)
  /\ ledger' = L2
  /\ memory' = [memory EXCEPT ![w][p] = Synced(m, ledger, L2, entries)]
  /\ requests' = requests \cup Sent(ledger, L2)
  /\ UNCHANGED lateCommits

\* A worker sends a commit: answered; or done with the answer lost; or still on its way.
Commit(w, p, entries) ==
  LET m == memory[w][p] IN
  \/ /\ Answered(w, p, entries)
     /\ (ledger' # ledger \/ memory' # memory)
     /\ UNCHANGED faults
  \/ /\ faults.lostAnswers < MaxLostAnswers
     /\ Pass(p, m.epoch)
     /\ memory' = [memory EXCEPT ![w][p].lost = TRUE]
     /\ faults' = [faults EXCEPT !.lostAnswers = @ + 1]
     /\ \/ ledger' = Apply(p, m.epoch, entries) /\ UNCHANGED lateCommits
        \/ lateCommits' = lateCommits \cup {[p |-> p, epoch |-> m.epoch, entries |-> entries]} /\ UNCHANGED ledger
     /\ UNCHANGED requests

LateCommit ==
  \E c \in lateCommits :
    /\ lateCommits' = lateCommits \ {c}
    /\ ledger' = IF Pass(c.p, c.epoch) THEN Apply(c.p, c.epoch, c.entries) ELSE ledger
    /\ UNCHANGED <<memory, assigned, committed, requests, answers, site, results, faults>>

----------------------------------------------------------------------------
(* Group membership and take-over.                                          *)
Rebalance ==
  \E p \in P, w \in Workers :
    /\ memory[assigned[p]][p].state = "dead" \/ (faults.rebalances < MaxRebalances /\ w # assigned[p])
    /\ faults' = IF memory[assigned[p]][p].state = "dead" THEN faults ELSE [faults EXCEPT !.rebalances = @ + 1]
    /\ assigned' = [assigned EXCEPT ![p] = w]
    /\ memory' = [memory EXCEPT ![w][p] = [NoMemory EXCEPT !.state = "assigned"]]
    /\ UNCHANGED <<ledger, committed, requests, answers, site, lateCommits, results>>

\* Raise the epoch; then what executes goes in doubt under a new token. The others keep theirs.
Open(p) == {i \in Ids : ledger.row[i].p = p /\ ledger.row[i].state \in HoldingStates}
Doubted(p, seen) ==
  LET doubted == {i \in Open(p) \cap seen : ledger.row[i].state = "executing"
                                            \/ (M = "takeoverRetokensAll" /\ ledger.row[i].state # "held")}
      \* the n-th of a location gets the n-th new token
      rank(i) == Cardinality({j \in doubted : ledger.row[j].location = ledger.row[i].location
                                              /\ ledger.row[j].offset <= ledger.row[i].offset})
      L2 == [ledger EXCEPT
               !.epoch[p] = @ + 1,
               !.row = [i \in Ids |-> IF i \in doubted
                          THEN [ledger.row[i] EXCEPT !.state = IF @ = "executing" THEN "in_doubt" ELSE @,
                                                     !.token = ledger.tokens[ledger.row[i].location] + rank(i)]
                          ELSE ledger.row[i]],
               !.tokens = [l \in Locations |-> ledger.tokens[l] + Cardinality({i \in doubted : ledger.row[i].location = l})]]
  IN IF \E i \in doubted : ledger.row[i].state = "executing" THEN Noted(L2, "executing", "takeover", "in_doubt") ELSE L2

TakeOverBy(w, p) ==
  LET seen == IF M = "takeoverSnapshot" /\ memory[w][p].state = "snapshot" THEN memory[w][p].accounted ELSE Ids
      L2 == Doubted(p, seen) IN
    /\ ledger' = L2
    /\ memory' = [memory EXCEPT ![w][p] =
         [state |-> "own", epoch |-> L2.epoch[p], base |-> committed[p],
          accounted |-> {o \in Offsets(p) : o > committed[p] /\ (<<p, o>> \in L2.deadLetters \/ Mine(L2.row[Rec(p, o).id], p, o))},
          holds |-> [i \in Ids |-> IF i \in seen /\ L2.row[i].p = p THEN TokenOf(L2.row[i]) ELSE 0],
          lost |-> FALSE, published |-> IF Results THEN L2.published[p] ELSE 0]]
    /\ requests' = requests \cup Sent(ledger, L2)
    /\ UNCHANGED <<assigned, committed, answers, site, lateCommits, results, faults>>

TakeOver ==
  \E w \in Workers, p \in P :
    /\ memory[w][p].state = (IF M = "takeoverSnapshot" THEN "snapshot" ELSE "assigned")
    /\ TakeOverBy(w, p)

\* The mutation: one statement raises the epoch and reads the rows, so it reads as of before its wait for a commit under way.
Snapshot ==
  \E w \in Workers, p \in P :
    /\ M = "takeoverSnapshot" /\ memory[w][p].state = "assigned"
    /\ memory' = [memory EXCEPT ![w][p].state = "snapshot", ![w][p].accounted = Open(p)]
    /\ UNCHANGED <<ledger, assigned, committed, requests, answers, site, lateCommits, results, faults>>

\* A worker told "fenced" forgets the partition. If the group still gives it the partition, it takes it over again.
Fenced ==
  \E w \in Workers, p \in P :
    /\ memory[w][p].state = "own" /\ memory[w][p].epoch # ledger.epoch[p] /\ M # "noEpoch"
    /\ memory' = [memory EXCEPT ![w][p] = IF assigned[p] = w /\ M # "fencedGivesUp"
                                          THEN [NoMemory EXCEPT !.state = "assigned"] ELSE NoMemory]
    /\ UNCHANGED <<ledger, assigned, committed, requests, answers, site, lateCommits, results, faults>>

Revoke ==                                            \* the group's word reaches the old owner, sooner or later
  \E w \in Workers, p \in P :
    /\ assigned[p] # w /\ memory[w][p].state \in {"own", "assigned", "snapshot"}
    /\ memory' = [memory EXCEPT ![w][p] = NoMemory]
    /\ UNCHANGED <<ledger, assigned, committed, requests, answers, site, lateCommits, results, faults>>

Crash ==
  \E w \in Workers :
    /\ faults.crashes < MaxCrashes
    /\ \E p \in P : memory[w][p].state \in {"own", "assigned", "snapshot"}
    /\ faults' = [faults EXCEPT !.crashes = @ + 1]
    /\ memory' = [memory EXCEPT ![w] = [p \in P |-> IF assigned[p] = w THEN [NoMemory EXCEPT !.state = "dead"] ELSE NoMemory]]
    /\ UNCHANGED <<ledger, assigned, committed, requests, answers, site, lateCommits, results>>

\* The answer to a COMMIT was lost: raise the epoch, conditional on one's own, then read the rows; calls under way go on.
Resolve ==
  \E w \in Workers, p \in P :
    LET m == memory[w][p]  raised == IF M = "readBack" THEN m.epoch ELSE m.epoch + 1 IN
    /\ m.state = "own" /\ m.lost /\ m.epoch = ledger.epoch[p]
    /\ IF M = "takeOverFromSelf" THEN TakeOverBy(w, p)
       ELSE /\ ledger' = [ledger EXCEPT !.epoch[p] = raised]
            /\ memory' = [memory EXCEPT ![w][p] =
                 [m EXCEPT !.lost = FALSE, !.epoch = raised,
                           !.accounted = @ \cup {o \in Offsets(p) : <<p, o>> \in ledger.deadLetters \/ Mine(ledger.row[Rec(p, o).id], p, o)},
                           !.holds = [i \in Ids |-> IF ledger.row[i].p = p THEN TokenOf(ledger.row[i]) ELSE 0]]]
            /\ requests' = requests \cup {Request(ledger.row[i], i) :
                 i \in {j \in Ids : ledger.row[j].p = p /\ ledger.row[j].state \in Calling /\ ledger.row[j].token # m.holds[j]}}
            /\ UNCHANGED <<assigned, committed, answers, site, lateCommits, results, faults>>

----------------------------------------------------------------------------
(* A worker at work. `Live` also holds for zombies: they do not know.       *)
Live(w, p) == memory[w][p].state = "own" /\ ~memory[w][p].lost
Queue(w, p, l)  == {o \in Offsets(p) : o > memory[w][p].base /\ o \notin memory[w][p].accounted /\ Rec(p, o).location = l}
Parked(p, l)    == {ledger.row[i].offset : i \in {j \in Ids : ledger.row[j].state = "received" /\ ledger.row[j].p = p /\ ledger.row[j].location = l}}
HeadOf(w, p, l) == IF M = "laneForgetsParked" /\ Queue(w, p, l) # {} THEN Min(Queue(w, p, l))
                   ELSE IF Parked(p, l) # {} THEN Min(Parked(p, l))
                   ELSE IF Queue(w, p, l) # {} THEN Min(Queue(w, p, l)) ELSE 0
Busy(w, p, l, s) == \E i \in Ids : memory[w][p].holds[i] # 0 /\ ledger.row[i].location = l /\ ledger.row[i].slot = s
                                   /\ (M = "indexForgetsDoubt" => ledger.row[i].state \in Index)
BeginOf(p, o, s) == [t |-> "begin", p |-> p, offset |-> o, slot |-> s]

Begin ==
  \E w \in Workers, p \in P, l \in Locations, s \in Slots :
    /\ Live(w, p) /\ HeadOf(w, p, l) # 0
    /\ ~Busy(w, p, l, s) /\ \A s2 \in 1..(s - 1) : Busy(w, p, l, s2)
    /\ Commit(w, p, <<BeginOf(p, HeadOf(w, p, l), s)>>)
    /\ UNCHANGED <<assigned, committed, answers, site, results>>

\* Park a prefix of the lane (the mutation parks a tail, as "fills its memory share" may be read).
RECURSIVE SeqOf(_)
SeqOf(S) == IF S = {} THEN <<>> ELSE <<Min(S)>> \o SeqOf(S \ {Min(S)})
Park ==
  /\ Parking
  /\ \E w \in Workers, p \in P, l \in Locations :
    /\ Live(w, p)
    /\ \E o \in Queue(w, p, l) :
         LET S == IF M = "parkTail" THEN {q \in Queue(w, p, l) : q >= o} ELSE {q \in Queue(w, p, l) : q <= o}
             es == SeqOf(S) IN
         Commit(w, p, [k \in 1..Len(es) |-> [t |-> "park", p |-> p, offset |-> es[k]]])
    /\ UNCHANGED <<assigned, committed, answers, site, results>>

\* Finish and the lane's next begin are one commit (or the finish alone).
WithNext(w, p, e) ==
  {<<e>>} \cup
  IF e.to \in FinalStates
  THEN LET r == ledger.row[e.id]  o == HeadOf(w, p, r.location) IN
       IF o = 0 THEN {} ELSE {<<e, BeginOf(p, o, r.slot)>>}
  ELSE {}

Again(i, t, event, step) == IF faults.retries < MaxRetries THEN {Change(i, t, event, "executing", step)} ELSE {}
AfterRetry(i, t, r, state) ==
  IF M = "retryDirect" THEN {Backward(i, t, "retry", r.step)} \cup Again(i, t, "retry", r.step)
  ELSE IF state = "in_doubt" THEN {Change(i, t, "retry", "held", r.step)}        \* or the same key again, which is no change
  ELSE {Change(i, t, "retry", IF Grade = 3 THEN "in_doubt" ELSE "held", r.step)} \cup Again(i, t, "retry", r.step)

\* What may follow from an answer (decide in decide.ts); "past the deadline or not" is a choice.
After(i, t, r, row) ==
  CASE r.answer = "done" ->
         {IF row.state = "in_doubt" /\ row.byPerson THEN Change(i, t, "done", "reversing", r.step)
          ELSE IF r.step < NSteps THEN Change(i, t, "done", "executing", r.step + 1)
          ELSE Change(i, t, "done", "completed", r.step)}
    [] r.answer = "refused" -> {Backward(i, t, "refused", r.step)}
    [] r.answer = "reversed" -> {Backward(i, t, "reversed", r.step)}
    [] r.answer = "never" -> {Backward(i, t, "never", r.step)} \cup (IF row.byPerson THEN {} ELSE Again(i, t, "never", r.step))
    [] r.answer = "retry" -> AfterRetry(i, t, r, row.state)
    [] r.answer = "stale" -> {Change(i, t, "stale", IF row.state = "reversing" THEN "reversing" ELSE "in_doubt", r.step)}

OnAnswer ==
  \E w \in Workers, p \in P, r \in answers :
    LET i == r.id  t == memory[w][p].holds[i]  row == ledger.row[i] IN
    /\ Live(w, p) /\ t # 0 /\ row.state # "held"
    /\ IF M = "finishNoToken" THEN r.step = row.step ELSE r.token = t
    /\ \E e \in After(i, t, r, row) : \E es \in WithNext(w, p, e) :
         IF e.to = "executing" /\ r.answer # "done"
         THEN /\ faults' = [faults EXCEPT !.retries = @ + 1]
              /\ Answered(w, p, es) /\ ledger' # ledger
         ELSE Commit(w, p, es)
    /\ UNCHANGED <<assigned, committed, answers, site, results>>

\* No answer in time, or one that says nothing. In doubt and reversing ask again under the same token: no change.
Timeout ==
  \E w \in Workers, p \in P, i \in Ids :
    LET t == memory[w][p].holds[i]  row == ledger.row[i] IN
    /\ Live(w, p) /\ t # 0 /\ row.state = "executing" /\ faults.timeouts < MaxTimeouts
    /\ faults' = [faults EXCEPT !.timeouts = @ + 1]
    /\ Answered(w, p, <<IF M = "rollbackOnTimeout" THEN Backward(i, t, "unknown", row.step)
                        ELSE Change(i, t, "unknown", "in_doubt", row.step)>>)
    /\ ledger' # ledger
    /\ UNCHANGED <<assigned, committed, answers, site, results>>

GiveUp ==                                            \* automation stops, for whatever reason
  \E w \in Workers, p \in P, i \in Ids :
    LET t == memory[w][p].holds[i]  row == ledger.row[i] IN
    /\ Live(w, p) /\ t # 0 /\ row.state \in Calling /\ faults.held < MaxHeld
    /\ faults' = [faults EXCEPT !.held = @ + 1]
    /\ Answered(w, p, <<Change(i, t, "give_up", "held", row.step)>>)
    /\ ledger' # ledger
    /\ UNCHANGED <<assigned, committed, answers, site, results>>

----------------------------------------------------------------------------
(* People. A decision is a row of its own, made on what the person saw; the *)
(* owner of the partition applies it later. A held row always finds one.    *)
ActionsOf(row) ==
  CASE row.state = "received" -> {"cancel"}
    [] row.state = "in_doubt" -> {"ask", "roll_back", "retry"}
    [] row.state = "reversing" -> {"ask", "roll_back"}
    [] row.state = "held" -> {"roll_back", "retry"}
    [] OTHER -> {}

Decide ==
  \E i \in Ids :
    LET row == ledger.row[i] IN
    /\ ~\E c \in ledger.commands : c.id = i
    /\ row.state = "held" \/ faults.decisions < MaxDecisions
    /\ faults' = IF row.state = "held" THEN faults ELSE [faults EXCEPT !.decisions = @ + 1]
    /\ \E action \in ActionsOf(row) :
         ledger' = [ledger EXCEPT !.commands = @ \cup {[id |-> i, action |-> action, state |-> row.state, token |-> row.token]}]
    /\ UNCHANGED <<memory, assigned, committed, requests, answers, site, lateCommits, results>>

\* A begin of the same row may be under way when it is cancelled: both come to the ledger, in either order.
WithBegin(w, p, c) ==
  LET e == [t |-> "command", command |-> c]  row == ledger.row[c.id]  l == row.location
      free == {s \in Slots : ~Busy(w, p, l, s) /\ \A s2 \in 1..(s - 1) : Busy(w, p, l, s2)} IN
  {<<e>>} \cup
  IF row.state = "received" /\ HeadOf(w, p, l) = row.offset
  THEN UNION {{<<e, BeginOf(p, row.offset, s)>>, <<BeginOf(p, row.offset, s), e>>} : s \in free}
  ELSE {}

ApplyCommand ==
  \E w \in Workers, c \in ledger.commands :
    LET p == ledger.row[c.id].p IN
    /\ Live(w, p)
    /\ \E es \in WithBegin(w, p, c) : Commit(w, p, es)
    /\ UNCHANGED <<assigned, committed, answers, site, results>>

LowerLimit ==
  \E l \in Locations :
    /\ Lower /\ ledger.limit[l] > 1
    /\ ledger' = [ledger EXCEPT !.limit[l] = 1]
    /\ UNCHANGED <<memory, assigned, committed, requests, answers, site, lateCommits, results, faults>>

----------------------------------------------------------------------------
(* Offsets and results.                                                     *)
Watermark(w, p) == LET m == memory[w][p] IN
  Max({k \in m.base..Len(Topic[p]) : \A o \in (m.base + 1)..k : o \in m.accounted})
OffsetCommit ==
  \E w \in Workers, p \in P :
    /\ memory[w][p].state = "own"
    /\ assigned[p] = w \/ M = "lateOffsetCommit"      \* the broker refuses other members of an older generation
    /\ LET k == IF M = "commitAtFetch" THEN Len(Topic[p]) ELSE Watermark(w, p) IN
       /\ IF M = "lateOffsetCommit" THEN k # committed[p] ELSE k > committed[p]
       /\ committed' = [committed EXCEPT ![p] = k]
    /\ UNCHANGED <<ledger, memory, assigned, requests, answers, site, lateCommits, results, faults>>

\* Number n of a partition after n-1; the stored number is lazy; a zombie may publish too.
Publish ==
  /\ Results
  /\ \E w \in Workers, p \in P :
    /\ memory[w][p].state = "own"
    /\ \/ \E i \in Ids : /\ ledger.row[i].state \in FinalStates /\ ledger.row[i].p = p /\ ledger.row[i].number = memory[w][p].published + 1
                         /\ results' = results \cup {<<p, ledger.row[i].number, i, ledger.row[i].state>>}
                         /\ memory' = [memory EXCEPT ![w][p].published = @ + 1]
                         /\ UNCHANGED ledger
       \/ /\ memory[w][p].published > ledger.published[p]
          /\ ledger' = [ledger EXCEPT !.published[p] = memory[w][p].published]
          /\ UNCHANGED <<results, memory>>
       \/ /\ M = "publishBeforeCommit"
          /\ \E r \in answers : /\ memory[w][p].holds[r.id] = r.token /\ r.answer \in {"done", "never"} /\ r.step = NSteps
                                /\ results' = results \cup {<<p, memory[w][p].published + 1, r.id, IF r.answer = "done" THEN "completed" ELSE "rolled_back">>}
                                /\ results' # results
          /\ UNCHANGED <<ledger, memory>>
    /\ UNCHANGED <<assigned, committed, requests, answers, site, lateCommits, faults>>

----------------------------------------------------------------------------
(* The location, as a participant: one mark per (location, slot), a journal *)
(* by key (id, step), a status that fences (design, section 7).             *)
SlotOf(m) == IF M = "tokenPerLocation" THEN 1 ELSE m.slot
Mark(m) == site.mark[m.location][SlotOf(m)]
J(m)  == site.journal[m.id][m.step]
Raise(d, m) == IF Grade = 2 THEN d ELSE [d EXCEPT !.mark[m.location][SlotOf(m)] = IF m.token > @ THEN m.token ELSE @]
Answer(m, a) == [id |-> m.id, step |-> m.step, token |-> m.token, answer |-> a]
Fresh(m) == Grade = 2 \/ m.token >= Mark(m)
AtSite == <<ledger, memory, assigned, committed, requests, lateCommits, results, faults>>

SiteExecute ==
  \E m \in requests :
    /\ m.call = "execute" /\ (IF M = "fenceNotAtomic" THEN m \in site.admitted ELSE Fresh(m))
    /\ IF J(m).state = "none" \/ (M = "freshKey" /\ J(m).state = "done" /\ J(m).token # m.token)
       THEN /\ site' = [Raise(site, m) EXCEPT !.journal[m.id][m.step] = [state |-> "busy", token |-> m.token]]
            /\ UNCHANGED answers
       ELSE /\ site' = Raise(site, m)
            /\ answers' = IF J(m).state = "busy" THEN answers ELSE answers \cup {Answer(m, J(m).state)}
            /\ (site' # site \/ answers' # answers)
    /\ UNCHANGED AtSite

SiteAdmit ==                                         \* the mutation: the fence is checked some time before the start is recorded
  \E m \in requests :
    /\ M = "fenceNotAtomic" /\ m.call = "execute" /\ Fresh(m) /\ m \notin site.admitted
    /\ site' = [Raise(site, m) EXCEPT !.admitted = @ \cup {m}]
    /\ UNCHANGED answers /\ UNCHANGED AtSite

SiteEnd ==
  \E i \in Ids, k \in 1..NSteps :
    LET j == site.journal[i][k]  answer(a) == [id |-> i, step |-> k, token |-> j.token, answer |-> a]
        keep == IF M = "freshKey" THEN j.token ELSE 0 IN
    /\ j.state = "busy"
    /\ \/ /\ site' = [site EXCEPT !.journal[i][k] = [state |-> "done", token |-> keep], !.effects[i][k] = @ + 1]
          /\ answers' = answers \cup {answer("done")}
       \/ /\ CanRefuse
          /\ site' = [site EXCEPT !.journal[i][k] = [state |-> IF M = "refusalForgotten" THEN "none" ELSE "refused", token |-> 0]]
          /\ answers' = answers \cup {answer("refused")}
       \/ /\ CanRetry /\ answer("retry") \notin answers      \* once per attempt, to end
          /\ site' = [site EXCEPT !.journal[i][k] = [state |-> "none", token |-> 0]]
          /\ answers' = answers \cup {answer("retry")}
    /\ UNCHANGED AtSite

SiteStatus ==
  \E m \in requests :
    /\ m.call = "status" /\ Fresh(m)
    /\ site' = IF M = "statusNoFence" THEN site ELSE Raise(site, m)
    /\ answers' = IF J(m).state = "busy" THEN answers       \* "pending", asked again
                  ELSE answers \cup {Answer(m, IF J(m).state = "none" THEN "never" ELSE J(m).state)}
    /\ (site' # site \/ answers' # answers)
    /\ UNCHANGED AtSite

SiteReverse ==
  \E m \in requests :
    /\ m.call = "reverse" /\ Fresh(m) /\ J(m).state # "busy"    \* busy: "pending", asked again
    /\ LET d == Raise(site, m) IN
       site' = IF J(m).state = "done"
               THEN [d EXCEPT !.journal[m.id][m.step] = [state |-> IF M = "reverseForgets" THEN "none" ELSE "reversed", token |-> 0],
                              !.undone[m.id][m.step] = @ + 1]
               ELSE [d EXCEPT !.journal[m.id][m.step] = [state |-> IF @.state = "none" /\ M # "noTombstone" THEN "reversed" ELSE @.state, token |-> 0]]
    /\ answers' = answers \cup {Answer(m, "reversed")}
    /\ (site' # site \/ answers' # answers)
    /\ UNCHANGED AtSite

SiteStale ==
  \E m \in requests :
    /\ ~Fresh(m) /\ ledger.row[m.id].token = m.token
    /\ answers' = answers \cup {Answer(m, "stale")} /\ answers' # answers
    /\ UNCHANGED site /\ UNCHANGED AtSite

----------------------------------------------------------------------------
Init ==
  /\ ledger = [epoch |-> [p \in P |-> 0], row |-> [i \in Ids |-> NoRow], deadLetters |-> {}, tokens |-> [l \in Locations |-> 0],
               published |-> [p \in P |-> 0], limit |-> [l \in Locations |-> N], commands |-> {}, bad |-> {}]
  /\ assigned \in [P -> Workers]
  /\ memory = [w \in Workers |-> [p \in P |-> IF assigned[p] = w THEN [NoMemory EXCEPT !.state = "assigned"] ELSE NoMemory]]
  /\ committed = [p \in P |-> 0]
  /\ requests = {} /\ answers = {} /\ lateCommits = {} /\ results = {}
  /\ site = [admitted |-> {}, mark |-> [l \in Locations |-> [s \in Slots |-> 0]],
             journal |-> [i \in Ids |-> [k \in 1..NSteps |-> [state |-> "none", token |-> 0]]],
             effects |-> [i \in Ids |-> [k \in 1..NSteps |-> 0]], undone |-> [i \in Ids |-> [k \in 1..NSteps |-> 0]]]
  /\ faults = [crashes |-> 0, rebalances |-> 0, timeouts |-> 0, retries |-> 0, lostAnswers |-> 0, held |-> 0, decisions |-> 0]

\* Every record has its outcome, every decision its answer, offsets and results are out.
AllDone ==
  /\ \A p \in P : \A o \in Offsets(p) :
        \/ <<p, o>> \in ledger.deadLetters
        \/ ledger.row[Rec(p, o).id].state \in FinalStates
  /\ ledger.commands = {}
  /\ \A p \in P : committed[p] = Len(Topic[p])
  /\ Results => \A i \in Ids : ledger.row[i].state \in FinalStates => \E x \in results : x[3] = i
Done == AllDone /\ UNCHANGED vars

Next == Rebalance \/ TakeOver \/ Fenced \/ Revoke \/ Crash \/ Resolve \/ LateCommit
        \/ Begin \/ Park \/ OnAnswer \/ Timeout \/ GiveUp \/ OffsetCommit \/ Publish \/ Snapshot
        \/ Decide \/ ApplyCommand \/ LowerLimit
        \/ SiteAdmit \/ SiteExecute \/ SiteEnd \/ SiteStatus \/ SiteReverse \/ SiteStale \/ Done
Spec == Init /\ [][Next]_vars
FairSpec == Spec /\ WF_vars(Next)
=============================================================================
