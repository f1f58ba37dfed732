// Two people with nothing but a browser: one page of Chromium has the content of a torrent, another fetches it from there
// over WebRTC. Only the tracker at TRACKER, a WebSocket, can introduce them to each other: there is no DHT in a browser, peer
// exchange is off, and each page is a browser session of its own.
//
// Prints one JSON object a line: {"page", "warning" | "console": text}, {"seeding": info-hash} when one page has all and the
// tracker has answered it, {"done": {"sha256", "bytes", "wires"}} with what the other page has and by which kinds of
// connection, or {"error": text}. Both stay in the swarm until standard input ends.
//
// Usage: node webtorrent.mjs '{"chromium", "tracker", "torrent", "content", "profile"}'
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const task = JSON.parse(process.argv[2]);
const patience = 80_000;
const say = (value) => process.stdout.write(JSON.stringify(value) + "\n");

// The pages come from here, so that they have an origin that browsers trust, with a place to store things.
const script = new URL("./dist/webtorrent.min.js", `file://${createRequire(import.meta.url).resolve("webtorrent/package.json")}`);
const served = {
  "/": ["text/html", "<!doctype html><title>A peer</title><link rel=icon href=data:,>"],
  "/webtorrent.js": ["text/javascript", readFileSync(script)],
  "/torrent": ["application/x-bittorrent", readFileSync(task.torrent)],
  "/content": ["application/octet-stream", readFileSync(task.content)],
};
const server = createServer(({ url }, answer) => {
  const [type, body] = served[url] ?? ["text/plain", ""];
  answer.writeHead(served[url] ? 200 : 404, { "content-type": type }).end(body);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const origin = `http://127.0.0.1:${server.address().port}/`;

const browser = await chromium.launch({
  executablePath: task.chromium,
  headless: true,
  // Addresses on this machine must do: no stand-in names for them, which nothing here resolves.
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-component-update",
    "--disable-renderer-backgrounding",
    "--disable-sync",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--allow-loopback-in-peer-connection",
  ],
  env: { ...process.env, HOME: task.profile },
});

// A page with a client in it that has added the torrent.
async function peer(name, has) {
  const context = await browser.newContext();
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  page.on("console", (message) => say({ page: name, console: message.text() }));
  page.on("pageerror", (error) => say({ page: name, console: error.stack }));
  await page.goto(origin);
  await page.exposeFunction("warn", (text) => say({ page: name, warning: text }));
  await page.evaluate(
    async ({ tracker, has }) => {
      const { default: WebTorrent } = await import("/webtorrent.js");
      const bytes = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());
      const client = new WebTorrent({ utPex: false, tracker: { rtcConfig: { iceServers: [] } } });
      client.on("error", (error) => globalThis.warn(`error: ${error.message}`));
      const torrent = client.add(await bytes("/torrent"), { announce: [tracker], skipVerify: has });
      globalThis.torrent = torrent;
      torrent.on("warning", (warning) => globalThis.warn(warning.message ?? String(warning)));
      torrent.once("trackerAnnounce", () => (globalThis.announced = true));
      await new Promise((resolve) => torrent.once("ready", resolve));
      if (has) await torrent.load([new Blob([await bytes("/content")]).stream()]);
    },
    { tracker: task.tracker, has },
  );
  return page;
}

try {
  const seeder = await peer("seeder", true);
  await seeder.waitForFunction(() => globalThis.torrent.done && globalThis.announced, null, { timeout: patience });
  say({ seeding: await seeder.evaluate(() => globalThis.torrent.infoHash) });

  const leecher = await peer("leecher", false);
  await leecher.waitForFunction(() => globalThis.torrent.done, null, { timeout: patience });
  const done = await leecher.evaluate(async () => {
    const { torrent } = globalThis;
    const content = await (await torrent.files[0].blob()).arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
    return {
      sha256: Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join(""),
      bytes: content.byteLength,
      wires: torrent.wires.map((wire) => wire.type),
    };
  });
  say({ done });
  for await (const _ of process.stdin);
} catch (error) {
  say({ error: error.stack });
} finally {
  await browser.close();
  server.close();
}
