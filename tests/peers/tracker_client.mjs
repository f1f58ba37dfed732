// The client of the npm package bittorrent-tracker, which WebTorrent uses, as an actor: it does what it is told by a line of
// JSON on standard input, {"order", "act", ...}, and tells what the tracker made of it.
//
// `act` is start, update, complete, stop or scrape, called with the rest of the order as options. Prints one JSON object a
// line: {"id"} at first, {"order", "update" | "scrape": counts}, {"peer"} for everyone it is told of (an address, or the id of
// who sent an offer or an answer), {"warning": text}, or {"error": text}.
//
// The package brings no WebRTC for Node. What it would say to a browser is made up here: the tracker carries it and reads
// none of it.
//
// Usage: node tracker_client.mjs URL INFO_HASH NAME PORT
import { registerHooks } from "node:module";
import { createInterface } from "node:readline";

const webrtc = `
  const made = (type) => ({ type, sdp: "v=0\\r\\no=- 1 1 IN IP4 127.0.0.1\\r\\ns=-\\r\\nt=0 0\\r\\n" });
  export class RTCSessionDescription { constructor(said) { Object.assign(this, said); } }
  export class RTCIceCandidate {}
  export class RTCPeerConnection {
    createDataChannel(label) { return { label, readyState: "connecting", close() {} }; }
    async createOffer() { return made("offer"); }
    async createAnswer() { return made("answer"); }
    async setRemoteDescription(said) { this.remoteDescription = said; }
    async setLocalDescription(said) {
      this.localDescription = said;
      setImmediate(() => this.onicecandidate?.({ candidate: null }));
    }
    close() {}
  }`;
registerHooks({
  resolve: (name, context, next) =>
    name === "webrtc-polyfill"
      ? { url: `data:text/javascript,${encodeURIComponent(webrtc)}`, shortCircuit: true }
      : next(name, context),
});
const { default: Client } = await import("bittorrent-tracker/client");

const [announce, infoHash, name, port] = process.argv.slice(2);
const say = (value) => process.stdout.write(JSON.stringify(value) + "\n");
const counts = ({ complete, incomplete, downloaded }) => ({ complete, incomplete, downloaded });

const peerId = Buffer.from(`-ST0001-${name.padEnd(12, "0")}`.slice(0, 20));
const client = new Client({ infoHash, announce, peerId, port: Number(port) });
say({ id: client.peerId });
let order = 0;
client.on("update", (told) => say({ order, update: counts(told) }));
client.on("scrape", (told) => say({ order, scrape: counts(told) }));
client.on("peer", (peer) => say({ peer: peer.id ?? peer }));
client.on("warning", (warning) => say({ warning: warning.message }));
client.on("error", (error) => say({ error: error.stack }));

for await (const line of createInterface({ input: process.stdin })) {
  const { order: number, act, ...options } = JSON.parse(line);
  order = number;
  client[act](options);
}
