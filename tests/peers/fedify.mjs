// A server of the fediverse made with Fedify, with one person on it who follows and reads. Signatures are verified
// strictly (Fedify's default); everything that arrives in the inbox has passed that.
//
// Orders on standard input, one JSON object a line:
//   {"look": URL}    fetch an actor or object           -> {"seen": {type, id, name, content, …}} or {"seen": null}
//   {"follow": URL}  send a Follow to that actor        -> {"followed": URL, "id": …}
//   {"unfollow": URL} undo the last Follow of it        -> {"unfollowed": URL}
//   {"verify": URL}  fetch JSON and check its proof     -> {"verified": key id or null, "url": URL}
//   {"prove": text}  sign a Note that says this         -> {"proved": Note}
// On standard output: {"ready": base URL, "actor": URL}, then the answers above, then for each activity received
//   {"received": type, "id": …, "actor": …, "object": {…}},
// and for each POST that comes or goes {"arrived": scheme, "status": …} or {"knocked": scheme, "status": …}, where a
// scheme is "rfc9421" or "cavage".
//
// Usage: node fedify.mjs HOST PORT [FIRST [BELIEVED]]: the scheme in which it knocks first (rfc9421), and the only one
// that it believes (both).
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import {
  createFederation,
  generateCryptoKeyPair,
  InProcessMessageQueue,
  MemoryKvStore,
} from "@fedify/fedify";
import {
  Accept,
  Announce,
  Create,
  DataIntegrityProof,
  Delete,
  Endpoints,
  Follow,
  Note,
  Person,
  Reject,
  Undo,
  Update,
} from "@fedify/vocab";
import { signObject, verifyProof } from "@fedify/fedify/sig";
import { configure } from "@logtape/logtape";

const [host, port] = [process.argv[2], Number(process.argv[3])];
const [first, believed] = [process.argv[4] ?? "rfc9421", process.argv[5]];
const schemeOf = (headers) => (headers.has("signature-input") ? "rfc9421" : "cavage");
const say = (value) => process.stdout.write(JSON.stringify(value) + "\n");

await configure({
  sinks: { errors: (record) => process.stderr.write(`fedify: ${record.message.join("")}\n`) },
  loggers: [
    { category: "fedify", sinks: ["errors"], lowestLevel: "warning" },
    { category: ["logtape", "meta"], sinks: [], lowestLevel: "error" },
  ],
});

const send = globalThis.fetch;
globalThis.fetch = async (request, options) => {
  const answer = await send(request, options);
  if (request.method === "POST") say({ knocked: schemeOf(request.headers), status: answer.status });
  return answer;
};

const federation = createFederation({
  firstKnock: first === "cavage" ? "draft-cavage-http-signatures-12" : first,
  kv: new MemoryKvStore(),
  queue: new InProcessMessageQueue(),
  allowPrivateAddress: true,
});

const keys = [];
for (const algorithm of ["RSASSA-PKCS1-v1_5", "Ed25519"]) {
  keys.push(await generateCryptoKeyPair(algorithm));
}

federation
  .setActorDispatcher("/users/{identifier}", async (context, identifier) => {
    if (identifier !== "reader") return null;
    const pairs = await context.getActorKeyPairs(identifier);
    return new Person({
      id: context.getActorUri(identifier),
      preferredUsername: identifier,
      name: "A reader",
      inbox: context.getInboxUri(identifier),
      endpoints: new Endpoints({ sharedInbox: context.getInboxUri() }),
      publicKey: pairs[0].cryptographicKey,
      assertionMethods: pairs.map((pair) => pair.multikey),
    });
  })
  .setKeyPairsDispatcher(() => keys);

const received = async (context, activity) => {
  const json = await activity.toJsonLd({ format: "compact", contextLoader: context.contextLoader });
  say({ received: activity.constructor.name, id: json.id, actor: json.actor, object: json.object });
};
const inbox = federation.setInboxListeners("/users/{identifier}/inbox", "/inbox");
for (const kind of [Accept, Reject, Create, Update, Delete, Announce, Undo]) inbox.on(kind, received);

createServer(async (request, response) => {
  try {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = chunks.length ? Buffer.concat(chunks) : undefined;
    const asked = new Request(`http://${request.headers.host}${request.url}`, {
      method: request.method,
      headers: request.headers,
      body,
    });
    const scheme = schemeOf(asked.headers);
    const deaf = asked.method === "POST" && believed !== undefined && believed !== scheme;
    const answer = deaf
      ? new Response(`only ${believed} is believed here`, { status: 401 })
      : await federation.fetch(asked, { contextData: undefined });
    if (asked.method === "POST") say({ arrived: scheme, status: answer.status });
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(Buffer.from(await answer.arrayBuffer()));
  } catch (error) {
    process.stderr.write(`fedify: ${error.stack}\n`);
    response.writeHead(500).end();
  }
}).listen(port, host, () => say({ ready: base, actor: `${base}/users/reader` }));

const base = `http://${host}:${port}`;
const context = federation.createContext(new URL(base), undefined);
const follows = new Map();

const orders = {
  async look(url) {
    const seen = await context.lookupObject(url);
    if (seen === null) return say({ seen: null, url });
    const json = await seen.toJsonLd({ contextLoader: context.contextLoader });
    say({ seen: { ...json, kind: seen.constructor.name }, url });
  },
  async follow(url) {
    const target = await context.lookupObject(url);
    const id = new URL(`${base}/follows/${crypto.randomUUID()}`);
    const follow = new Follow({ id, actor: context.getActorUri("reader"), object: target.id, to: target.id });
    follows.set(url, { follow, target });
    await context.sendActivity({ identifier: "reader" }, target, follow, { immediate: true });
    say({ followed: url, id: id.href });
  },
  async unfollow(url) {
    const { follow, target } = follows.get(url);
    const id = new URL(`${base}/undos/${crypto.randomUUID()}`);
    const undo = new Undo({ id, actor: context.getActorUri("reader"), object: follow, to: target.id });
    await context.sendActivity({ identifier: "reader" }, target, undo, { immediate: true });
    say({ unfollowed: url });
  },
  async verify(url) {
    const document = await (await send(url, { headers: { accept: "application/activity+json" } })).json();
    // A proof is over plain JSON: of its context only the words of proofs themselves matter.
    const words = "https://w3id.org/security/data-integrity/v1";
    const proof = await DataIntegrityProof.fromJsonLd({ ...document.proof, "@context": words }, context);
    const key = await verifyProof(document, proof, context);
    say({ verified: key?.id?.href ?? null, url });
  },
  async prove(content) {
    const pairs = await context.getActorKeyPairs("reader");
    const pair = pairs.find(({ privateKey }) => privateKey.algorithm.name === "Ed25519");
    const note = new Note({ id: new URL(`${base}/notes/1`), attribution: context.getActorUri("reader"), content });
    const signed = await signObject(note, pair.privateKey, pair.multikey.id, context);
    say({ proved: await signed.toJsonLd({ format: "compact", contextLoader: context.contextLoader }) });
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [[order, url]] = Object.entries(JSON.parse(line));
  orders[order](url).catch((error) => say({ error: `${order} ${url}: ${error.stack}` }));
}
process.exit(0);
