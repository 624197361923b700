----------------------------- MODULE LogTables -----------------------------
(* What is stored: one log table per region, one metadata item. What an item is, and the chain rule. *)
EXTENDS Integers, FiniteSets, Sequences

CONSTANTS
  Regions,        \* the replicas; all hold a log table
  FirstLeader,    \* leader of epoch 1
  FirstIsr,       \* in-sync set of epoch 1
  NoRegion,       \* none yet
  MaxSlot,        \* slots 0 .. MaxSlot - 1
  MaxEpoch,       \* elections and first steps of a grow: MaxEpoch - 1 in all
  MaxVersion,     \* compare-and-sets on the metadata item: MaxVersion - 1 in all
  MaxAppendId,    \* appends that writers try, each as often as they like
  Changes,        \* which changes of metadata happen: subset of {"elect", "shrink", "grow", "retain", "unclean"}
  Omitted         \* the planted bug: rules that are left out, or what is tried in their place; {} is the protocol

Slots  == 0 .. MaxSlot - 1
Epochs == 1 .. MaxEpoch
NO_EPOCH == -1    \* prevEpoch of the first item of a log, as in shared/log/log-item.ts
NO_ID    == -1
BARRIER  == 0     \* stands for the appendId of a barrier; those of records count from 1

(* A free slot has stamp 0, so that "free or stamp < E" is "stamp < E". *)
Free == [epoch |-> 0, stamp |-> 0, appendId |-> 0, prevEpoch |-> 0, prevId |-> 0, waitFor |-> {}]

ItemType == [epoch: 0 .. MaxEpoch, stamp: 0 .. MaxEpoch, appendId: 0 .. MaxAppendId,
             prevEpoch: {NO_EPOCH} \union (0 .. MaxEpoch), prevId: {NO_ID} \union (0 .. MaxAppendId), waitFor: SUBSET Regions]

VARIABLES
  tables,         \* [Regions -> [Slots -> ItemType]]: the log tables
  meta,           \* the metadata item of the partition
  (* What follows is no storage: it is what somebody has seen, at some time. Agents are stateless, many, and may sleep
     anywhere, so whatever was once read may be acted upon at any later time: these sets only grow. *)
  leaderOf,       \* [Epochs -> Regions or NoRegion]: leader by epoch, as once read
  membersOf,      \* [Epochs -> set of sets]: each isr \union joining that was once read at that epoch
  views,          \* [Epochs -> set of views]: chains that agents of an epoch have read (Observed.tla)
  committed,      \* what an agent of epoch `by` saw on all replicas that count, and whether it could acknowledge it:
                  \* [slot, epoch, appendId, by, acknowledged]
  seen,           \* what a consumer could read, and of which lineage: [slot, epoch, appendId, lineage]
  fenced,         \* what was appended after a later leader's barrier stood: [slot, epoch, appendId]
  tried           \* appendIds are given out in order, which is no loss: they are only compared for equality

storage == <<tables, meta>>
facts   == <<leaderOf, membersOf, views, committed, seen, fenced, tried>>
vars    == <<storage, facts>>

IsFree(item) == item.epoch = 0
IsBarrier(item) == item.epoch > 0 /\ item.appendId = BARRIER

(* (slot, epoch) is said to identify an item; the appendId is compared all the same, as the rules do. *)
Same(a, b) == a.epoch = b.epoch /\ a.appendId = b.appendId
At(slot, item) == [slot |-> slot, epoch |-> item.epoch, appendId |-> item.appendId]

----------------------------------------------------------------------------
(* Rule 2. A view is the chain as one agent has read it: `from` is the slot of its first item, `items` the items with
   `stamp` replaced by the lowest stamp that counts as verified in a follower (rule 5). The first n items of a view were
   seen before the view was, so a sleeper may still hold just those: `Prefix`. *)

EndOf(view, n) == view.from + n      \* logEndOffset after n items

LastEpoch(view, n) == IF n > 0 THEN view.items[n].epoch ELSE NO_EPOCH

(* Not of the protocol, where it is 0: what a link by appendId would be (docs/adr/0010). *)
LastId(view, n) ==
  IF "append-id-link" \notin Omitted THEN 0 ELSE IF n > 0 THEN view.items[n].appendId ELSE NO_ID

Continues(view, n, item) ==
  /\ ~IsFree(item)
  /\ \/ n = 0 /\ view.from > 0       \* a log that begins after retention: its first item is taken without its link
     \/ /\ (item.prevEpoch = LastEpoch(view, n) /\ item.prevId = LastId(view, n)) \/ "link" \in Omitted
        /\ item.epoch >= LastEpoch(view, n)

BarrierAt(view, n, epoch) ==
  {i \in 1 .. n : view.items[i].epoch = epoch /\ view.items[i].appendId = BARRIER}

HasBarrier(view, n, epoch) == BarrierAt(view, n, epoch) /= {}

HasAppendId(view, n, id) == \E i \in 1 .. n : view.items[i].appendId = id

----------------------------------------------------------------------------
(* Unclean elections (shared/log/unclean-election.ts): meta.unclean holds [epoch, kept] of each. Whoever acts in epoch E knows
   those up to E, since all of it is one item. What was known before one of them counts below its `kept` only. *)

StillCounts(slot, by, epoch, m) ==
  \A u \in m.unclean : by < u.epoch /\ u.epoch <= epoch => slot < u.kept \/ "void-checkpoint" \in Omitted

(* The epoch of the last unclean election up to `epoch`: 0 without one. *)
Lineage(epoch, m) ==
  LET epochs == {u.epoch : u \in {x \in m.unclean : x.epoch <= epoch}}
  IN  IF epochs = {} THEN 0 ELSE CHOOSE e \in epochs : \A f \in epochs : f <= e
=============================================================================
