------------------------------ MODULE Observed ------------------------------
(* What can be read and concluded from the tables and the metadata item as they are: folding (rule 3), verifying (5),
   acknowledging (6), consuming (8). None of this writes. It is done eagerly, after each write, by an agent of every
   epoch: somebody may always be there to look, and whoever looked may sleep before they act. So nothing is lost by
   not interleaving the reads, and the states are few. *)
EXTENDS LogTables, TLC     \* TLCEval: TLC is to compute a function once, not at each use

(* What an agent of `epoch` knows to be committed by an epoch not above its own: slots below this. *)
KnownCommitted(epoch, com, m) ==
  LET Counts(c) == (c.by <= epoch \/ "known-epoch" \in Omitted) /\ StillCounts(c.slot, c.by, epoch, m)
      slots == {c.slot + 1 : c \in {x \in com : Counts(x)}}
  IN  IF slots = {} THEN 0 ELSE CHOOSE s \in slots : \A t \in slots : t <= s

(* How far a checkpoint in a region's table may reach that an agent of `epoch` takes for true: an agent of its epoch or an earlier
   one saw all below it committed, and held by this region. *)
Checkpointed(epoch, region, vs, com, m) ==
  LET reached == {0} \union UNION {{n \in v.from + 1 .. v.from + v.verified[region] :
                                     /\ n <= KnownCommitted(e, com, m)
                                     /\ StillCounts(n - 1, e, epoch, m)} :
                                  <<e, v>> \in {p \in (1 .. epoch) \X UNION {vs[f] : f \in 1 .. epoch} :
                                                 p[2] \in vs[p[1]]}}
  IN  CHOOSE n \in reached : \A k \in reached : k <= n

----------------------------------------------------------------------------
(* Rule 3, the part that only reads. *)

(* Stamp E or E-1; or lower, in the prefix that is known to be committed. A stamp above E: stop. *)
Foldable(epoch, view, n, item, com, m) ==
  /\ item.stamp <= epoch
  /\ Continues(view, n, item)
  /\ \/ item.stamp >= epoch - 1
     \/ EndOf(view, n) < KnownCommitted(epoch, com, m)
     \/ "seal" \in Omitted

Folded(epoch, item) ==
  [item EXCEPT !.stamp = IF item.stamp >= epoch - 1 \/ "seal" \in Omitted THEN epoch - 1
                         ELSE IF "joiner-stamp" \in Omitted THEN 0 ELSE item.stamp]

(* Rule 9: a slot may be free, or filled again, because it was deleted; so whoever extends a view reads logStartOffset
   after it read the slot. *)
NotDeleted(slot, m) == slot >= m.logStartOffset \/ "reread-log-start" \in Omitted

RECURSIVE Extended(_, _, _, _, _)
Extended(epoch, view, tab, m, com) ==
  LET n == Len(view.items)
      s == EndOf(view, n)
  IN  IF s \in Slots /\ NotDeleted(s, m) /\ Foldable(epoch, view, n, tab[view.leader][s], com, m)
      THEN Extended(epoch, [view EXCEPT !.items = Append(@, Folded(epoch, tab[view.leader][s]))], tab, m, com)
      ELSE view

(* A sleeper with a shorter view may find another item than the one that continued it when others looked. *)
Forks(epoch, view, tab, m, com) ==
  LET At_(n) == tab[view.leader][EndOf(view, n)]
      Other(n) == /\ ~Same(At_(n), view.items[n + 1])
                  /\ NotDeleted(EndOf(view, n), m)
                  /\ Foldable(epoch, view, n, At_(n), com, m)
      Fork(n) == Extended(epoch, [view EXCEPT !.items = Append(SubSeq(@, 1, n), Folded(epoch, At_(n))),
                                              !.verified = [r \in Regions |-> IF @[r] < n THEN @[r] ELSE n]],
                          tab, m, com)
  IN  {Fork(n) : n \in {k \in 0 .. Len(view.items) - 1 : Other(k)}}

----------------------------------------------------------------------------
(* Rule 5, the part that only reads: slot by slot, from what was verified in this epoch. *)

RECURSIVE Verified(_, _, _, _, _)
Verified(epoch, view, region, n, tab) ==
  IF n = Len(view.items) THEN n
  ELSE LET expected == view.items[n + 1]
           item == tab[region][EndOf(view, n)]
       IN  IF /\ Same(item, expected)
              /\ item.stamp >= expected.stamp \/ "verify-stamp" \in Omitted
              /\ item.stamp <= epoch \/ "fenced-verify" \in Omitted
           THEN Verified(epoch, view, region, n + 1, tab)
           ELSE n

(* The planted bug: a length that was verified in an older epoch. *)
CarriedOver(epoch, view, region, vs) ==
  LET lengths == {0} \union UNION {{w.verified[region] : w \in vs[e]} : e \in 1 .. epoch - 1}
      longest == CHOOSE n \in lengths : \A k \in lengths : k <= n
  IN  IF longest < Len(view.items) THEN longest ELSE Len(view.items)

(* A checkpoint in the region's table tells without a look at the items. Where there are no unclean elections it is left out: what
   is committed is in the view, and verified by what stands in the slots. *)
FromCheckpoint(epoch, view, region, vs, com, m) ==
  IF "unclean" \notin Changes THEN 0
  ELSE LET reached == Checkpointed(epoch, region, vs, com, m) - view.from
       IN  IF reached < 0 THEN 0 ELSE IF reached < Len(view.items) THEN reached ELSE Len(view.items)

(* The leader's own table is verified by the fold. *)
WithVerified(epoch, view, tab, vs, com, m) ==
  LET Seen(r) == IF "fresh-verify" \in Omitted /\ view.verified[r] < CarriedOver(epoch, view, r, vs)
                 THEN CarriedOver(epoch, view, r, vs) ELSE view.verified[r]
      Told(r) == FromCheckpoint(epoch, view, r, vs, com, m)
      Before(r) == IF Told(r) > Seen(r) THEN Told(r) ELSE Seen(r)
  IN  [view EXCEPT !.verified = TLCEval(
         [r \in Regions |-> IF r = view.leader THEN Len(view.items) ELSE Verified(epoch, view, r, Before(r), tab)])]

----------------------------------------------------------------------------
(* Rule 6. *)

(* Only the lowest epoch that could acknowledge an item matters, of each lineage. *)
Settled(com, slot, item, epoch, m) ==
  \E c \in com : c.slot = slot /\ Same(c, item) /\ c.by <= epoch /\ Lineage(c.by, m) = Lineage(epoch, m)

(* Where unclean elections are allowed, an agent asks who leads when the replicas have it, and acknowledges it only if its epoch
   is the present one still. Where they are not, the replicas fence it. *)
MayAcknowledge(epoch, m) == "unclean" \notin Changes \/ epoch = m.epoch \/ "confirm" \in Omitted

NewlyAcknowledged(epoch, view, mem, m, com) ==
  LET n == Len(view.items)
      new == {i \in 1 .. n : NotDeleted(view.from + i - 1, m) /\ ~Settled(com, view.from + i - 1, view.items[i], epoch, m)}
      ByAll(i, needed) == \A r \in needed : view.verified[r] >= i
      acked == {i \in new : \E b \in BarrierAt(view, n, epoch), members \in mem[epoch] :
                              ByAll(i, view.items[b].waitFor \intersect members)}
  IN  {[slot |-> view.from + i - 1, epoch |-> view.items[i].epoch, appendId |-> view.items[i].appendId, by |-> epoch,
        acknowledged |-> MayAcknowledge(epoch, m)] : i \in acked}

WithNew(com, new, m) ==
  LET Earlier(d, c) == d.slot = c.slot /\ Same(d, c) /\ d.by < c.by /\ Lineage(d.by, m) = Lineage(c.by, m)
  IN  {c \in com : ~\E d \in new : Earlier(d, c)} \union {d \in new : ~\E e \in new : Earlier(e, d)}

----------------------------------------------------------------------------
(* The fixpoint: an acknowledgement may let others fold a slot unsealed. *)

RECURSIVE Concluded(_, _, _, _, _)
Concluded(tab, m, mem, vs, com) ==
  LET read == TLCEval([e \in Epochs |->
                 {WithVerified(e, v, tab, vs, com, m) :
                    v \in UNION {{Extended(e, v, tab, m, com)} \union Forks(e, v, tab, m, com) : v \in vs[e]}}])
      new == TLCEval(UNION {UNION {NewlyAcknowledged(e, v, mem, m, com) : v \in read[e]} : e \in Epochs})
  IN  IF new = {} THEN [views |-> read, committed |-> com] ELSE Concluded(tab, m, mem, read, WithNew(com, new, m))

----------------------------------------------------------------------------
(* Rule 8. A consumer asks an agent of some epoch, which knows a highWatermark of an epoch not above its own. *)

HighWatermark(epoch, vs, com, m) ==
  IF "minimum" \notin Omitted THEN KnownCommitted(epoch, com, m)
  ELSE LET ends == {EndOf(v, Len(v.items)) : v \in vs[epoch]} \* the highest of the replicas, which is the leader
       IN  CHOOSE s \in ends : \A t \in ends : t <= s

ServedFrom(epoch, region, slot, vs, leaders) ==
  \/ region = leaders[epoch]
  \/ "serve-verified" \in Omitted
  \/ \E v \in vs[epoch] : v.from <= slot /\ slot < v.from + v.verified[region]

(* Where an epoch that was not fenced may find a later lineage's items in a table, it tells them from its own log's: an item's place
   tells its epoch (shared/log/leader-epochs.ts). *)
IsOfLog(epoch, slot, item, vs) ==
  \/ "unclean" \notin Changes
  \/ \E v \in vs[epoch] : v.from <= slot /\ slot < EndOf(v, Len(v.items)) /\ Same(v.items[slot - v.from + 1], item)

NewlyConsumed(tab, m, leaders, vs, com, before) ==
  LET highWatermarks == TLCEval([e \in 1 .. m.epoch |-> HighWatermark(e, vs, com, m)])
      Read(s, r, lineage) == [slot |-> s, epoch |-> tab[r][s].epoch, appendId |-> tab[r][s].appendId, lineage |-> lineage]
      Served(s, r, l) == /\ ~IsFree(tab[r][s])
                         /\ Read(s, r, l) \notin before
                         /\ \E e \in 1 .. m.epoch :
                              /\ Lineage(e, m) = l /\ s < highWatermarks[e]
                              /\ ServedFrom(e, r, s, vs, leaders) /\ IsOfLog(e, s, tab[r][s], vs)
      lineages == {Lineage(e, m) : e \in 1 .. m.epoch}
  IN  {Read(p[1], p[2], p[3]) :
         p \in {q \in (m.logStartOffset .. MaxSlot - 1) \X Regions \X lineages : Served(q[1], q[2], q[3])}}
=============================================================================
