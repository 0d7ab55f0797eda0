// A real UpNext server with a fresh home folder on a free port, and jobs in it that a real worker runs.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const START_TIMEOUT_MS = 20_000;
const SEED_TIMEOUT_MS = 60_000;
const SEED = join(import.meta.dirname, "seed.py");

/** What e2e/seed.py prints. */
export interface Seed {
  jobId: string;
  /** The job that made one artifact of each kind, and their ids by name. */
  trainId: string;
  /** The top of a tree of jobs, a job that failed after three attempts, and one that runs until it is cancelled. */
  treeId: string;
  failedId: string;
  runningId: string;
  ids: Record<string, string>;
  report: Record<string, string | number>;
  log: string;
  pngBase64: string;
  pngWidth: number;
  /** Once this file is there, `live.log` is closed. */
  liveStop: string;
}

export interface RunningServer {
  url: string;
  seed: () => Seed;
  /** Ends the server as a crash would, and starts it again on the same port with the same home. */
  crash: () => Promise<void>;
  restart: () => Promise<void>;
  stop: () => Promise<void>;
}

/** `settings` are further environment variables. */
export async function startServer(settings: Record<string, string> = {}): Promise<RunningServer> {
  const binary = required("UPNEXT_BIN", "the path of the built `upnext` binary");
  const python = required("UPNEXT_PYTHON", "a Python interpreter that can `import upnext`");
  const home = await mkdtemp(join(tmpdir(), "upnext-e2e-"));
  const env = { ...environment(home), ...settings };
  const start = (port: string): ChildProcess =>
    spawn(binary, ["server", "start", "--host", "127.0.0.1", "--port", port], { env, stdio: ["ignore", "pipe", "pipe"] });
  let child = start("0");
  let worker: ChildProcess | null = null;
  const stop = async (): Promise<void> => {
    if (worker !== null) await ended(worker);
    await ended(child);
    await rm(home, { recursive: true, force: true });
  };
  try {
    const url = await addressOf(child);
    await ready(url);
    const seed = (): Seed => {
      worker = spawn(python, [SEED, "work"], { env, stdio: ["ignore", "ignore", "inherit"] });
      return runSeed(python, env);
    };
    const crash = (): Promise<void> => ended(child, "SIGKILL");
    const restart = async (): Promise<void> => {
      child = start(new URL(url).port);
      await ready(url);
    };
    return { url, seed, crash, restart, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function required(name: string, meaning: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`Set ${name} to ${meaning}: these tests run against the real thing.`);
  return value;
}

/** The surroundings without anybody's own UPNEXT_* settings: only the fresh home counts. */
function environment(home: string): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("UPNEXT_"));
  return { ...Object.fromEntries(inherited), UPNEXT_HOME: home };
}

function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let stdout = "";
    let stderr = "";
    const give = (problem: string): void => {
      clearTimeout(timer);
      reject(new Error(`${problem}\nstdout: ${stdout}\nstderr: ${stderr}`));
    };
    const timer = setTimeout(() => {
      give("The server printed no http://127.0.0.1:PORT on stdout.");
    }, START_TIMEOUT_MS);
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      const [address] = /http:\/\/127\.0\.0\.1:\d+(?=\D)/.exec(stdout) ?? [];
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(address);
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", (error) => {
      give(`The server can't be started: ${error.message}`);
    });
    child.on("exit", (code) => {
      give(`The server ended with code ${String(code)}.`);
    });
  });
}

async function ready(url: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  let last = "no answer";
  while (Date.now() < deadline) {
    try {
      const response = await fetch(`${url}/ready`);
      if (response.ok) return;
      last = `HTTP ${response.status}: ${await response.text()}`;
    } catch (error) {
      last = String(error);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${url}/ready did not become ready: ${last}`);
}

function runSeed(python: string, env: NodeJS.ProcessEnv): Seed {
  const run = spawnSync(python, [SEED], { env, encoding: "utf8", timeout: SEED_TIMEOUT_MS });
  if (run.status !== 0) throw new Error(`e2e/seed.py failed: ${run.error?.message ?? ""}\n${run.stdout}\n${run.stderr}`);
  return JSON.parse(run.stdout.trim().split("\n").at(-1) ?? "") as Seed;
}

function ended(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
      resolve();
      return;
    }
    const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
    child.removeAllListeners("exit");
    child.on("exit", () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill(signal);
  });
}
