import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, mkdirSync, realpathSync, rmSync, statSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { StartupError } from "./startup-error.ts";

/**
 * Makes the folder and takes it for this process alone. The lock is a listening socket: the kernel gives it back however
 * the process ends, so that no lock is ever stale.
 */
export async function takeDataFolder(folder: string): Promise<{ readonly path: string; release(): void }> {
  const path = makeFolder(folder);
  const name = `millrace-${createHash("sha256").update(path).digest("hex").slice(0, 32)}`;
  // Linux has socket names without files; elsewhere a file stands for the socket and may be left behind.
  const address = process.platform === "linux" ? `\0${name}` : join(tmpdir(), `${name}.sock`);
  const server = (await listen(address)) ?? ((await isAlive(address)) ? undefined : await listenAnew(address));
  if (server === undefined) throw new StartupError(`the data folder ${path} is in use by another Millrace`);
  server.unref();
  return { path, release: () => server.close() };
}

function makeFolder(folder: string): string {
  try {
    makeWithParents(resolve(folder));
    const path = realpathSync(folder);
    if (!statSync(path).isDirectory()) throw new Error("it is no folder");
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    return path;
  } catch (error) {
    throw new StartupError(`the data folder ${folder} cannot be used: ${(error as Error).message}`);
  }
}

/** As mkdir's own `recursive`, which never ends where a folder that is there says ENOENT of what is made in it, as /proc does. */
function makeWithParents(folder: string): void {
  if (existsSync(folder)) return;
  makeWithParents(dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    // Made by somebody else just now.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST" || !existsSync(folder)) throw error;
  }
}

function listen(address: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(undefined) : reject(error),
    );
    server.listen(address, () => resolve(server));
  });
}

function listenAnew(address: string): Promise<Server | undefined> {
  if (!address.startsWith("\0")) rmSync(address, { force: true });
  return listen(address);
}

function isAlive(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
