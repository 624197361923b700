// What Lambda's runtime does at a cold start, and no more: loads the handler, hands it one event, writes its result out.
// Arguments: the bundle's folder, and the event as JSON.
const [folder, event] = process.argv.slice(2);
const { handler } = await import(`${folder}/handler.mjs`);
const deadline = Date.now() + 28_000;
const result = await handler(JSON.parse(event), {
  awsRequestId: "cold-start",
  getRemainingTimeInMillis: () => deadline - Date.now(),
});
process.stdout.write(`${JSON.stringify(result)}\n`);
