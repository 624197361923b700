import { isIP } from "node:net";
import type { RouteContext } from "../route.ts";

/** What a group notes of a member's client: its id, "http" unless it has one, and its address as API Gateway saw it ("/": not known). */
export function groupClient(
  { request }: RouteContext,
  clientId: string | null | undefined,
): { readonly clientId: string; readonly clientHost: string } {
  // The last one is what API Gateway wrote; those before are the client's to make up.
  const address = request.headers.get("x-forwarded-for")?.split(",").at(-1)?.trim() ?? "";
  return { clientId: (clientId || "http").slice(0, 255), clientHost: `/${isIP(address) === 0 ? "" : address}` };
}
