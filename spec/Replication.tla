---------------------------- MODULE Replication ----------------------------
(* The replication protocol of one partition: every write that anybody may make, at any time. README.md says how it maps
   to the rules, by their numbers. An action is enabled by what somebody has seen at some time (`facts`) and judged by
   the tables and the metadata item as they are: a conditional put or a compare-and-set. A write whose answer is lost,
   a table that cannot be reached, an agent that died: the same as nothing more being done about it. *)
EXTENDS Observed

View(epoch, from, leader) ==
  [leader |-> leader, from |-> from, items |-> <<>>, verified |-> [r \in Regions |-> 0]]

(* Rule 1: epoch and leader from one read. *)
LeadersTaken(epoch, leaders) ==
  IF "one-read" \in Omitted THEN {leaders[e] : e \in 1 .. epoch} ELSE {leaders[epoch]}

(* After each write somebody reads the metadata item and the tables. *)
Observe ==
  LET e == meta'.epoch
      started == {View(e, meta'.logStartOffset, l) : l \in LeadersTaken(e, leaderOf')}
      begun == {s \in started : ~\E v \in views[e] : v.from = s.from /\ v.leader = s.leader}
      after == TLCEval(Concluded(tables', meta', membersOf', TLCEval([views EXCEPT ![e] = @ \union begun]), committed))
  IN  /\ leaderOf' = [leaderOf EXCEPT ![e] = meta'.leader]
      /\ membersOf' = [membersOf EXCEPT ![e] = @ \union {meta'.isr \union meta'.joining}]
      /\ views' = after.views
      /\ committed' = after.committed
      /\ seen' = seen \union NewlyConsumed(tables', meta', leaderOf', after.views, after.committed, seen)

(* A conditional put: the condition stands where it is used, in the same step. *)
Put(region, slot, item) ==
  /\ tables' = [tables EXCEPT ![region][slot] = item]
  /\ UNCHANGED meta
  /\ Observe

(* A compare-and-set on the version just read: hence one step. *)
Change(kind, new) ==
  /\ kind \in Changes
  /\ meta.version < MaxVersion
  /\ meta' = [new EXCEPT !.version = @ + 1]
  /\ UNCHANGED <<tables, fenced, tried>>
  /\ Observe

----------------------------------------------------------------------------
(* Rules 3 and 4: agents of epoch E, in the table of E's leader, with the first n items of a view of that epoch. *)

SealSlot(E, view, n) ==
  LET slot == EndOf(view, n)
      item == tables[view.leader][slot]
  IN  /\ slot \in Slots
      /\ item.stamp < E - 1
      /\ Continues(view, n, item)
      /\ "seal" \notin Omitted
      /\ UNCHANGED <<fenced, tried>>
      /\ Put(view.leader, slot, [item EXCEPT !.stamp = E])

(* A log that begins after retention has its last committed item at least, but for one that an unclean election begins anew where its
   leader has nothing. *)
MayBeEmpty(E) == \E u \in meta.unclean : u.epoch <= E

Created(E, view, n, id, waitFor) ==
  [epoch |-> E, stamp |-> E, appendId |-> id, waitFor |-> waitFor, prevEpoch |-> LastEpoch(view, n),
   prevId |-> LastId(view, n)]

BarrierSlot(E, view, n, waitFor) ==
  LET slot == EndOf(view, n)
      item == tables[view.leader][slot]
  IN  /\ slot \in Slots
      /\ item.stamp < E
      /\ n > 0 \/ view.from = 0 \/ MayBeEmpty(E)
      /\ ~HasBarrier(view, n, E)
      /\ ~Continues(view, n, item)
      /\ UNCHANGED <<fenced, tried>>
      /\ Put(view.leader, slot, Created(E, view, n, BARRIER, waitFor))

WaitForTaken(E) ==
  IF "fresh-wait-for" \in Omitted THEN UNION {membersOf[e] : e \in 1 .. E} ELSE membersOf[E]

(* Appended after a later leader's barrier stood; a late copy of an append that was committed before is not meant. *)
IsFenced(E, slot, item) ==
  /\ \E e \in E + 1 .. MaxEpoch : \E v \in views[e] : HasBarrier(v, Len(v.items), e)
  /\ ~\E c \in committed : c.slot = slot /\ Same(c, item)

(* A writer does not try again what may have been acknowledged, and deleted, below its view: README.md, "Findings". *)
MayTry(view, n, id) ==
  /\ id <= tried + 1
  /\ ~HasAppendId(view, n, id)
  /\ "retry-window" \in Omitted \/ ~\E c \in committed : c.appendId = id /\ c.slot < view.from

AppendSlot(E, view, n, id) ==
  LET slot == EndOf(view, n)
      item == Created(E, view, n, id, {})
  IN  /\ slot \in Slots
      /\ tables[view.leader][slot].stamp < E
      /\ HasBarrier(view, n, E) \/ "append-barrier" \in Omitted
      /\ MayTry(view, n, id)
      /\ tried' = IF id > tried THEN id ELSE tried
      /\ fenced' = IF IsFenced(E, slot, item) THEN fenced \union {At(slot, item)} ELSE fenced
      /\ Put(view.leader, slot, item)

(* The planted bugs: followers get the item beside the leader, before it has won its slot there. With the stamp of the epoch it stays if the slot is
   another's; with a lower one, which counts as verified too (rule 5) and nobody but its own epoch overwrites, it goes when that is replicated. *)
StampBeforeLeader(E) == IF "leader-first-stamp" \in Omitted THEN E - 1 ELSE E

PutBeforeLeader(E, view, n, id, region) ==
  LET slot == EndOf(view, n)
  IN  /\ slot \in Slots
      /\ region /= view.leader
      /\ tables[region][slot].stamp < StampBeforeLeader(E)
      /\ HasBarrier(view, n, E)
      /\ MayTry(view, n, id)
      /\ tried' = IF id > tried THEN id ELSE tried
      /\ UNCHANGED fenced
      /\ Put(region, slot, [Created(E, view, n, id, {}) EXCEPT !.stamp = StampBeforeLeader(E)])

(* Rule 5: copy the n-th item of a view into another region. *)
ReplicateSlot(E, view, n, region) ==
  LET slot == EndOf(view, n - 1)
  IN  /\ region /= view.leader
      /\ tables[region][slot].stamp < E
      /\ UNCHANGED <<fenced, tried>>
      /\ Put(region, slot, [view.items[n] EXCEPT !.stamp = E])

Seal ==
  \E E \in 1 .. meta.epoch : \E view \in views[E] : \E n \in 0 .. Len(view.items) : SealSlot(E, view, n)

Barrier ==
  \E E \in 1 .. meta.epoch : \E view \in views[E] : \E n \in 0 .. Len(view.items), waitFor \in WaitForTaken(E) :
    BarrierSlot(E, view, n, waitFor)

AppendOne ==
  \E E \in 1 .. meta.epoch : \E view \in views[E] : \E n \in 0 .. Len(view.items), id \in 1 .. MaxAppendId :
    AppendSlot(E, view, n, id)

FollowersFirst ==
  /\ {"leader-first", "leader-first-stamp"} \intersect Omitted /= {}
  /\ \E E \in 1 .. meta.epoch : \E view \in views[E] : \E n \in 0 .. Len(view.items), id \in 1 .. MaxAppendId, region \in Regions :
       PutBeforeLeader(E, view, n, id, region)

Replicate ==
  \E E \in 1 .. meta.epoch : \E view \in views[E] : \E n \in 1 .. Len(view.items), region \in Regions :
    ReplicateSlot(E, view, n, region)

----------------------------------------------------------------------------
(* Rules 1 and 7. *)

AtLeast(a, b) == IF a > b THEN a ELSE b

Elect ==
  \E leader \in meta.isr :
    /\ meta.epoch < MaxEpoch
    /\ Change("elect", [meta EXCEPT !.leader = leader, !.epoch = @ + 1, !.joining = {}])

(* A leader that was not in sync, and is then alone in sync. What its own checkpoint covers is kept; a checkpoint may be missing, or lie
   below logStartOffset, where nothing is to be kept. *)
Unclean ==
  \E leader \in Regions \ meta.isr :
  \E kept \in {AtLeast(meta.logStartOffset, n) : n \in {0, Checkpointed(meta.epoch, leader, views, committed, meta)}} :
    /\ meta.epoch < MaxEpoch
    /\ Change("unclean", [meta EXCEPT !.leader = leader, !.epoch = @ + 1, !.isr = {leader}, !.joining = {},
                                      !.unclean = @ \union {[epoch |-> meta.epoch + 1, kept |-> kept]}])

Shrink ==
  \E region \in (meta.isr \union meta.joining) \ {meta.leader} :
    Change("shrink", [meta EXCEPT !.isr = @ \ {region}, !.joining = @ \ {region}])

(* Step (a). The planted bug: a region that is verified through the highWatermark is at once taken in. *)
BeginJoin ==
  \E region \in Regions \ meta.isr :
    /\ meta.epoch < MaxEpoch
    /\ IF "barrier-first" \in Omitted
       THEN /\ \E v \in views[meta.epoch] : v.from + v.verified[region] >= KnownCommitted(meta.epoch, committed, meta)
            /\ Change("grow", [meta EXCEPT !.epoch = @ + 1, !.isr = @ \union {region}, !.joining = {}])
       ELSE Change("grow", [meta EXCEPT !.epoch = @ + 1, !.joining = {region}])

(* Step (d), by an agent that saw the region filled in epoch E. (b) and (c) are the rules 3 and 5. *)
CompleteJoin ==
  \E E \in 1 .. meta.epoch : \E view \in views[E] : \E region \in Regions \ meta.isr :
    /\ region \in meta.joining \/ "join-joining" \in Omitted
    /\ meta.epoch = E \/ "join-epoch" \in Omitted
    /\ \E b \in BarrierAt(view, Len(view.items), E) : view.verified[region] >= b
    /\ Change("grow", [meta EXCEPT !.isr = @ \union {region}, !.joining = @ \ {region}])

----------------------------------------------------------------------------
(* Rule 9. The last committed item and the newest barrier stay. Whoever moves logStartOffset acts in the present epoch: what was committed before an
   unclean election counts as far as that kept it. *)

AdvanceLogStart ==
  \E slot \in meta.logStartOffset + 1 .. MaxSlot - 1 :
    /\ \E b \in committed : b.appendId = BARRIER /\ b.slot >= slot
                           /\ StillCounts(b.slot, b.by, meta.epoch, meta)
    /\ Change("retain", [meta EXCEPT !.logStartOffset = slot])

Delete ==
  \E region \in Regions, slot \in 0 .. meta.logStartOffset - 1 :
    /\ ~IsFree(tables[region][slot])
    /\ UNCHANGED <<fenced, tried>>
    /\ Put(region, slot, Free)

----------------------------------------------------------------------------

Next ==
  \/ Seal \/ Barrier \/ AppendOne \/ FollowersFirst \/ Replicate
  \/ Elect \/ Unclean \/ Shrink \/ BeginJoin \/ CompleteJoin
  \/ AdvanceLogStart \/ Delete

(* A partition is created with the barrier of epoch 1 in its in-sync set. *)
FirstBarrier ==
  [epoch |-> 1, stamp |-> 1, appendId |-> BARRIER, prevEpoch |-> NO_EPOCH, prevId |-> IF "append-id-link" \in Omitted THEN NO_ID ELSE 0,
   waitFor |-> FirstIsr]

Init ==
  /\ tables = [r \in Regions |-> [s \in Slots |-> IF s = 0 /\ r \in FirstIsr THEN FirstBarrier ELSE Free]]
  /\ meta = [leader |-> FirstLeader, epoch |-> 1, isr |-> FirstIsr, joining |-> {}, version |-> 1, logStartOffset |-> 0,
             unclean |-> {}]
  /\ leaderOf = [e \in Epochs |-> IF e = 1 THEN FirstLeader ELSE NoRegion]
  /\ membersOf = [e \in Epochs |-> IF e = 1 THEN {FirstIsr} ELSE {}]
  /\ LET begun == [e \in Epochs |-> IF e = 1 THEN {View(1, 0, FirstLeader)} ELSE {}]
         after == Concluded(tables, meta, membersOf, begun, {})
     IN  /\ views = after.views
         /\ committed = after.committed
         /\ seen = NewlyConsumed(tables, meta, leaderOf, after.views, after.committed, {})
  /\ fenced = {}
  /\ tried = 0

Spec == Init /\ [][Next]_vars
=============================================================================
