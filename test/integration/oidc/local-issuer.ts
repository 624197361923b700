import { KeyObject, sign } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, type GenerateKeyPairResult, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import type { TrustedIdentity } from "../../../lambdas/authorizer/environment.ts";

interface Key {
  readonly alg: string;
  readonly pair: GenerateKeyPairResult;
  readonly jwk: JWK;
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Now, as tokens tell the time. */
export const seconds = () => Math.floor(Date.now() / 1000);

export const AUDIENCE = "https://millrace.example";

/** An issuer of tokens on this machine, over real HTTP: discovery and keys. It counts who asks it for what. */
export class LocalIssuer {
  readonly asked: string[] = [];
  /** What it answers on a path, in place of what it should. */
  readonly instead = new Map<string, Answer>();
  readonly #server: Server;
  readonly #keys = new Map<string, Key>();
  #path = "";

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", (request, response) => this.#answer(request, response));
  }

  /** `path`: where on its host the issuer is, as a tenant of Microsoft's has it. */
  static async start(path = ""): Promise<LocalIssuer> {
    const issuer = new LocalIssuer(createServer());
    issuer.#path = path;
    await new Promise<void>((resolve) => issuer.#server.listen(0, "127.0.0.1", resolve));
    await issuer.addKey("k1");
    return issuer;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return this.origin + this.#path;
  }

  /** How often its keys were asked for. */
  get keyFetches(): number {
    return this.asked.filter((path) => path === "/keys").length;
  }

  async addKey(kid: string, alg = "RS256"): Promise<void> {
    const pair = await generateKeyPair(alg, { extractable: true });
    this.#keys.set(kid, { alg, pair, jwk: { ...(await exportJWK(pair.publicKey)), kid, alg, use: "sig" } });
  }

  removeKey(kid: string): void {
    this.#keys.delete(kid);
  }

  key(kid = "k1"): Key {
    return this.#keys.get(kid)!;
  }

  /** A token as a workload gets it; a claim that is undefined is left out. */
  async token(claims: JWTPayload = {}, header: Record<string, unknown> = {}, key = this.key()): Promise<string> {
    const now = seconds();
    const all = { iss: this.url, aud: AUDIENCE, sub: "1234567890", iat: now, exp: now + 3_600, ...claims };
    const payload = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
    return new SignJWT(payload).setProtectedHeader({ alg: key.alg, kid: "k1", ...header }).sign(key.pair.privateKey);
  }

  /** The header that a workload sends: such a token in it. */
  async bearer(claims?: JWTPayload, header?: Record<string, unknown>): Promise<string> {
    return `Bearer ${await this.token(claims, header)}`;
  }

  /** Trusts its tokens about a service account and a repository. */
  identity(changes: Partial<TrustedIdentity> = {}): TrustedIdentity {
    const subjects = ["1234567890", "repo:octo-org/octo-repo:*"];
    return { issuer: this.url, audiences: [AUDIENCE], subjects, ...changes };
  }

  /** Header and payload as they are, however wrong, under a true signature (RS256). */
  signed(header: object, payload: string): string {
    const input = [JSON.stringify(header), payload].map((part) => Buffer.from(part).toString("base64url")).join(".");
    const signature = sign("sha256", Buffer.from(input), KeyObject.from(this.key().pair.privateKey));
    return `${input}.${signature.toString("base64url")}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url!;
    this.asked.push(path);
    const other = this.instead.get(path);
    if (other !== undefined) other(request, response);
    else if (path === `${this.#path.replace(/\/$/, "")}/.well-known/openid-configuration`) {
      sendJson(response, { issuer: this.url, jwks_uri: `${this.origin}/keys` });
    } else if (path === "/keys") sendJson(response, { keys: [...this.#keys.values()].map(({ jwk }) => jwk) });
    else response.writeHead(404).end();
  }
}

export function sendJson(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
}
