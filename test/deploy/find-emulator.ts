import http from "node:http";
import https from "node:https";

/**
 * Says which emulator answers at an endpoint: `ministack yes` or `ministack no` (whether it judges by IAM policies),
 * `localstack no`, `none`, or `other` for something that is neither.
 */
const endpoint = process.argv[2]!;

async function get(path: string): Promise<{ status: number; text: string } | undefined> {
  const url = new URL(path, endpoint);
  // The certificate of an emulator on this machine is its own.
  const options = { timeout: 5_000, rejectUnauthorized: false };
  return new Promise((resolve, reject) => {
    const sent = (url.protocol === "https:" ? https : http).get(url, options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.on("error", reject).on("end", () => resolve({ status: response.statusCode!, text }));
    });
    sent.on("timeout", () => sent.destroy(new Error("no answer in time")));
    sent.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "ECONNREFUSED" ? resolve(undefined) : reject(error),
    );
  });
}

async function find(): Promise<string> {
  const health = await get("/_localstack/health");
  if (health === undefined) return "none";
  if (health.status !== 200 || !health.text.includes('"services"')) return "other";
  const own = await get("/_ministack/health");
  if (own?.status !== 200) return "localstack no";
  return `ministack ${/"auth": *"enabled"/.test(own.text) ? "yes" : "no"}`;
}

console.log(await find().catch(() => "other"));
