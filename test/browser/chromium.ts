import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** A Chromium of this machine: CHROMIUM names one, else the PATH is searched; undefined where there is none. */
export function findChromium(): string | undefined {
  const given = process.env.CHROMIUM;
  if (given !== undefined && given !== "") return given;
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find((path) => existsSync(path));
}

/** What a path of the page's server answers. */
export interface Answer {
  readonly type: string;
  readonly text: string;
}

const flags = [
  "--headless=new",
  "--no-sandbox",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
];

/**
 * Opens `/` of a server on this machine in headless Chromium, with its software adapter for WebGPU, and waits for what the page
 * posts to `/report`. Errors: what the browser wrote, when it ends or says nothing for `milliseconds`.
 */
export async function reportOf(
  program: string,
  answers: ReadonlyMap<string, Answer>,
  milliseconds: number,
): Promise<unknown> {
  const profile = mkdtempSync(join(tmpdir(), "atomgrad-browser-"));
  const { server, report } = serve(answers);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  const address = `http://127.0.0.1:${port}/`;
  const browser = spawn(program, [...flags, `--user-data-dir=${profile}`, address], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  try {
    return JSON.parse(await Promise.race([report, silence(browser, milliseconds)])) as unknown;
  } finally {
    const ended = new Promise((done) => browser.once("exit", done));
    if (browser.exitCode === null && browser.signalCode === null && browser.kill("SIGKILL")) await ended;
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

function serve(answers: ReadonlyMap<string, Answer>): { server: Server; report: Promise<string> } {
  let give: (text: string) => void;
  const report = new Promise<string>((done) => (give = done));
  const server = createServer((request, response) => {
    if (request.url === "/report") {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        response.end();
        give(Buffer.concat(parts).toString("utf8"));
      });
      return;
    }
    const answer = answers.get(request.url ?? "");
    response.writeHead(answer === undefined ? 404 : 200, { "content-type": answer?.type ?? "text/plain" });
    response.end(answer?.text);
  });
  return { server, report };
}

/** Fails when the browser ends, or after a time. */
function silence(browser: ChildProcess, milliseconds: number): Promise<never> {
  return new Promise((_, fail) => {
    let said = "";
    const give = (why: string): void => fail(new Error(`${why}; it wrote:\n${said.slice(-4000)}`));
    const timer = setTimeout(() => give(`the page did not report within ${milliseconds} ms`), milliseconds);
    browser.stderr?.on("data", (part: Buffer) => (said += part.toString("utf8")));
    browser.once("error", (error) => give(error.message));
    browser.once("exit", (code, signal) => {
      clearTimeout(timer);
      give(`the browser ended (${code ?? signal})`);
    });
  });
}
