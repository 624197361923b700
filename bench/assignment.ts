import type { AssignorInput } from "../shared/group/assignors/assignor.ts";
import { assignRange } from "../shared/group/assignors/range.ts";
import { assignUniformly } from "../shared/group/assignors/uniform.ts";
import type { PartitionsByTopic } from "../shared/group/partitions-by-topic.ts";
import { inTurns, table } from "./rounds.ts";

/** How long does a target assignment take to compute, from nothing, and when one member has come or gone? */
const SIZES = [
  { members: 100, topics: 10, partitions: 1_000 },
  { members: 1_000, topics: 100, partitions: 10_000 },
];
const ROUNDS = 30;

export async function run(): Promise<void> {
  const rows: (string | number)[][] = [
    ["members", "partitions", "subscriptions", "assignor", "from nothing", "one comes", "one leaves"],
  ];
  for (const row of await measure()) {
    const { members, partitions, subscriptions, assignor, fresh, joined, left } = row;
    const ms = (value: number) => `${value.toFixed(1)} ms`;
    rows.push([members, partitions, subscriptions, assignor, ms(fresh), ms(joined), ms(left)]);
  }
  table("Milliseconds to compute a target assignment (median)", rows);
}

export async function measure() {
  const results = [];
  for (const size of SIZES) {
    for (const subscriptions of ["alike", "mixed"] as const) {
      for (const [assignor, assign] of Object.entries({ uniform: assignUniformly, range: assignRange })) {
        const fresh = inputOf(size, subscriptions === "mixed");
        const before = assign(fresh);
        const held = withAssigned(fresh, before);
        const joined = {
          ...held,
          members: [...held.members, { ...held.members[0]!, memberId: "newcomer", assigned: {} }],
        };
        const left = { ...held, members: held.members.slice(1) };
        const times = await inTurns(
          { fresh: () => assign(fresh), joined: () => assign(joined), left: () => assign(left) },
          ROUNDS,
        );
        results.push({
          ...size,
          subscriptions,
          assignor,
          fresh: times["fresh"]!,
          joined: times["joined"]!,
          left: times["left"]!,
        });
      }
    }
  }
  return results;
}

/** Mixed: every member subscribes to two thirds of the topics, each to others. */
function inputOf(size: (typeof SIZES)[number], isMixed: boolean): AssignorInput {
  const topics = Array.from({ length: size.topics }, (_, index) => ({
    topicId: `topic-${index}`,
    partitionCount: size.partitions / size.topics,
  }));
  const members = Array.from({ length: size.members }, (_, index) => ({
    memberId: `member-${(index * 7919) % size.members}-${index}`,
    topicIds: topics.filter((_, at) => !isMixed || (at + index) % 3 !== 0).map(({ topicId }) => topicId),
    assigned: {},
  }));
  return { members, topics };
}

function withAssigned(input: AssignorInput, assignment: Map<string, PartitionsByTopic>): AssignorInput {
  const members = input.members.map((member) => ({ ...member, assigned: assignment.get(member.memberId)! }));
  return { ...input, members };
}

if (import.meta.main) await run();
