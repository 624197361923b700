/** What one produce call was told. */
export interface Attempt {
  readonly value: string;
  /** The producer that sent it, and its sequence, if it is idempotent. */
  readonly producer?: number;
  readonly sequence?: number;
  /** Where it was acknowledged. */
  offset?: number;
  /** When what was acknowledged was sent, by the scheduler's clock. */
  sentAt?: number;
  /** acks=1: it is promised to be in its leader's log, and no more. */
  readonly isLeadersAlone?: true;
  /** It was refused, and certainly not appended. */
  isRefused?: boolean;
}

/** What all clients of one partition saw. */
export interface History {
  readonly attempts: Attempt[];
  /** What fetches returned: offset and value. */
  readonly seen: { readonly offset: number; readonly value: string }[];
  readonly violations: string[];
}

/** What a control record is seen as. */
export const CONTROL = "#control-";

/** What the log holds in the end, by offset. */
export type FinalLog = readonly { readonly offset: number; readonly value: string }[];

/** What may be missing in the end although it was acknowledged, or seen. Nothing, unless an election may lose records. */
export interface Allowance {
  acknowledged(attempt: Attempt, log: FinalLog, isElsewhere: boolean): boolean;
  seen(offset: number, value: string): boolean;
}

const NO_ALLOWANCE: Allowance = { acknowledged: () => false, seen: () => false };

/** Acknowledged attempts whose record is not where it was acknowledged. */
export function lostAttempts({ attempts }: History, log: FinalLog): Attempt[] {
  return attempts.filter(({ offset, value }) => offset !== undefined && log[offset]?.value !== value);
}

/** Kafka's consistency. Answers what is broken. */
export function check(history: History, log: FinalLog, allowance = NO_ALLOWANCE): string[] {
  const broken = [...history.violations];
  const places = new Map<string, number[]>();
  for (const [index, { offset, value }] of log.entries()) {
    if (offset !== index) broken.push(`offset ${offset} stands at place ${index}: not one record per offset`);
    places.set(value, [...(places.get(value) ?? []), offset]);
  }
  for (const attempt of lostAttempts(history, log)) {
    const { value, offset } = attempt;
    const elsewhere = places.get(value);
    if (allowance.acknowledged(attempt, log, elsewhere !== undefined)) continue;
    const stands = elsewhere === undefined ? "" : `; it stands at ${elsewhere.join(" and ")}`;
    broken.push(`${value} was acknowledged at ${offset}, where ${log[offset!]?.value} is${stands}`);
  }
  for (const { value, isRefused } of history.attempts) {
    const found = places.get(value) ?? [];
    if (found.length > 1) broken.push(`${value} stands at ${found.join(" and ")}`);
    if (isRefused && found.length > 0) broken.push(`${value} was refused and stands at ${found[0]}`);
  }
  for (const { offset, value } of history.seen) {
    if (log[offset]?.value !== value && !allowance.seen(offset, value))
      broken.push(`${value} was seen at ${offset}, where ${log[offset]?.value} is`);
  }
  const last = new Map<number, Attempt>();
  for (const { value } of log) {
    if (value.startsWith(CONTROL)) continue;
    const attempt = history.attempts.find((candidate) => candidate.value === value);
    if (attempt === undefined) broken.push(`${value} was never sent`);
    if (attempt?.producer === undefined) continue;
    const before = last.get(attempt.producer);
    if (before !== undefined && before.sequence! >= attempt.sequence!)
      broken.push(`${value} stands behind ${before.value}: out of order`);
    last.set(attempt.producer, attempt);
  }
  return broken;
}
