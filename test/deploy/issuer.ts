import { writeFileSync } from "node:fs";
import { exportJWK } from "jose";
import { LocalIssuer } from "../integration/oidc/local-issuer.ts";

/** An issuer of tokens that the deployed authorizer asks for keys. Writes its URL and its private key to a file. Until a signal. */
const issuer = await LocalIssuer.start();
const key = await exportJWK(issuer.key().pair.privateKey);
writeFileSync(process.argv[2]!, JSON.stringify({ url: issuer.url, key }), { mode: 0o600 });
