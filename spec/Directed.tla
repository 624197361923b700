------------------------------ MODULE Directed ------------------------------
(* For planted bugs whose shortest counterexample is too long to be found by breadth alone: the changes of the metadata
   item are given, and so are the puts that may happen, in whatever order. This leaves out behaviours, so it is for
   finding violations, never for their absence. *)
EXTENDS Safety

CONSTANTS r1, r2, r3, Script, Puts

FollowsScript ==
  /\ meta'.version > meta.version =>
       <<meta'.epoch, meta'.leader, meta'.isr, meta'.joining>> = Script[meta.version]
  /\ \A r \in Regions, s \in Slots :
       tables'[r][s] /= tables[r][s] => <<r, s, tables'[r][s].epoch, tables'[r][s].stamp>> \in Puts

(* A record of epoch 1 is in r1 and r3, not committed. r2 leads epoch 2 without it. r1 leads again and commits it alone.
   Two epochs later r3 joins: its copy of the record still has stamp 1, which a replicator of epoch 2 may overwrite. *)
LateJoin ==
  <<<<2, r2, {r1, r2}, {}>>, <<3, r1, {r1, r2}, {}>>, <<3, r1, {r1}, {}>>, <<4, r1, {r1}, {}>>,
    <<5, r1, {r1}, {r3}>>, <<5, r1, {r1, r3}, {}>>>>
LateJoinPuts ==
  {<<r3, 0, 1, 1>>, <<r1, 1, 1, 1>>, <<r3, 1, 1, 1>>, <<r2, 1, 2, 2>>, <<r1, 1, 1, 3>>, <<r1, 2, 3, 3>>,
   <<r1, 3, 5, 5>>, <<r3, 1, 1, 3>>, <<r3, 1, 1, 5>>, <<r3, 2, 3, 5>>, <<r3, 3, 5, 5>>, <<r3, 1, 2, 2>>}

(* A record of epoch 1 is in r1 and r3. r2 leads epoch 2 without it. r1 leads again, seals it, replicates it to r2. *)
BackAgain == <<<<2, r2, Regions, {}>>, <<3, r1, Regions, {}>>>>
BackAgainPuts ==
  {<<r1, 1, 1, 1>>, <<r3, 1, 1, 1>>, <<r2, 1, 2, 2>>, <<r1, 1, 1, 3>>, <<r1, 2, 3, 3>>, <<r2, 1, 1, 3>>,
   <<r2, 2, 3, 3>>, <<r3, 1, 1, 3>>, <<r3, 2, 3, 3>>, <<r3, 1, 2, 2>>}
=============================================================================
