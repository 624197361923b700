------------------------------- MODULE Safety -------------------------------
(* What must hold. The names are those of the simulator's checker. *)
EXTENDS Replication, TLC

TypeOK ==
  /\ tables \in [Regions -> [Slots -> ItemType]]
  /\ meta.leader \in meta.isr
  /\ meta.isr \subseteq Regions
  /\ meta.joining \subseteq Regions \ meta.isr
  /\ meta.epoch \in Epochs
  /\ meta.version \in 1 .. MaxVersion
  /\ meta.logStartOffset \in Slots
  /\ \A u \in meta.unclean : u.epoch \in 2 .. meta.epoch /\ u.kept \in 0 .. MaxSlot

(* The logs that agents of an epoch work on once its barrier stands. *)
LogsOf(E) == {v \in views[E] : HasBarrier(v, Len(v.items), E)}

Holds(view, c) ==
  \/ c.slot < view.from
  \/ /\ c.slot < EndOf(view, Len(view.items))
     /\ Same(view.items[c.slot - view.from + 1], c)

(* What is kept of what epoch `by` committed at a slot, in epoch E: all, but for unclean elections in between. *)
Kept(slot, by, E) == \A u \in meta.unclean : by < u.epoch /\ u.epoch <= E => slot < u.kept

(* Every acknowledged record is in every later leader's log, at the same offset, as far as no unclean election came in between that
   did not keep it. *)
AcknowledgedIsKept ==
  \A c \in committed : \A E \in c.by .. meta.epoch : Kept(c.slot, c.by, E) =>
    \A v \in LogsOf(E) :
      IF E = c.by /\ c.slot >= EndOf(v, Len(v.items)) THEN TRUE ELSE Holds(v, c)

(* What is committed at an offset is one record, and it is in the table of every region of the in-sync set. *)
OneRecordPerOffset ==
  /\ \A c, d \in committed : c.slot = d.slot /\ c.by <= d.by /\ Kept(c.slot, c.by, d.by) => Same(c, d)
  /\ \A c \in committed : c.slot >= meta.logStartOffset /\ Kept(c.slot, c.by, meta.epoch) =>
       \A r \in meta.isr : Same(tables[r][c.slot], c)

(* One append is in one slot, of what is committed and of every log. What an unclean election lost may be appended again. *)
NoDuplicateAppend ==
  /\ \A c, d \in committed : c.appendId = d.appendId /\ c.appendId /= BARRIER /\ c.by <= d.by /\ Kept(c.slot, c.by, d.by) =>
       c.slot = d.slot
  /\ \A E \in Epochs : \A v \in views[E] : \A i, j \in DOMAIN v.items :
       v.items[i].appendId = v.items[j].appendId /\ v.items[i].appendId /= BARRIER => i = j

ConsumersSeeOnlyCommitted ==
  \A s \in seen : \E c \in committed : c.slot = s.slot /\ Same(c, s)

NothingSeenIsUnseen ==
  \A s, t \in seen : s.slot = t.slot /\ s.lineage <= t.lineage /\ Kept(s.slot, s.lineage, t.lineage) => Same(s, t)

(* What is appended after a later leader's barrier stood, however that leader was elected, is not acknowledged by those of its own
   epoch. So what an unclean election loses was acknowledged before its barrier stood. *)
FencedStaysFenced ==
  \A f \in fenced : ~\E c \in committed : c.slot = f.slot /\ Same(c, f) /\ c.by = f.epoch /\ c.acknowledged

(* What the agents of the present epoch have folded stands in the leader's table, whole, and is one chain. *)
ChainIsWhole ==
  \A v \in views[meta.epoch] :
    /\ \A i \in DOMAIN v.items :
         /\ v.from + i - 1 >= meta.logStartOffset => Same(tables[v.leader][v.from + i - 1], v.items[i])
         /\ i > 1 => /\ v.items[i].prevEpoch = v.items[i - 1].epoch
                     /\ v.items[i].epoch >= v.items[i - 1].epoch
    /\ \A w \in views[meta.epoch] : v.from = w.from => v = w

(* A step towards liveness: where the log of the present epoch ends, its agents can seal, or put barrier and records. *)
LeaderIsNeverStuck ==
  \A v \in views[meta.epoch] :
    LET end == EndOf(v, Len(v.items))
    IN  end \in meta.logStartOffset .. MaxSlot - 1 => tables[v.leader][end].stamp < meta.epoch

(* Followers that are alike may change places. *)
Symmetry == Permutations(Regions \ {FirstLeader})
=============================================================================
