// A person's visit with Chromium: signs in by a one-time link, publishes with the form, looks at the pages, hides the
// upload, and sees that it is gone. Every page is looked at in both widths and both colours, photographed, and checked
// with axe-core.
//
// Prints one JSON object a line: {"page": name} for each page, {"fault": text} for everything that is wrong (console
// errors, failed requests, serious or critical findings of axe-core), {"done": {pages}} at the end, or {"error": text}
// when a step cannot be taken.
//
// Usage: node browser.mjs '{"chromium", "base", "link", "torrent", "published", "profile", "pictures"}'
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const task = JSON.parse(process.argv[2]);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const say = (value) => process.stdout.write(JSON.stringify(value) + "\n");
// A little less than whoever listens has, so that what it waited for is said.
const patience = 80_000;
const widths = [390, 1280];
const schemes = ["light", "dark"];
let pages = 0;

const context = await chromium.launchPersistentContext(task.profile, {
  executablePath: task.chromium,
  headless: true,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
  env: { ...process.env, HOME: task.profile },
});
context.setDefaultTimeout(patience);
const page = context.pages()[0] ?? (await context.newPage());
page.on("console", (message) => {
  if (message.type() === "error" && !expected(message)) say({ fault: `console at ${page.url()}: ${message.text()}` });
});
page.on("pageerror", (error) => say({ fault: `script at ${page.url()}: ${error.message}` }));
page.on("requestfailed", (request) => {
  const text = request.failure()?.errorText ?? "";
  if (text !== "net::ERR_ABORTED") say({ fault: `request ${request.url()}: ${text}` });
});

// Chromium itself logs every page whose own status is an error, also where that status is what it should be.
function expected(message) {
  return mishap !== "" && message.text().includes(mishap);
}
let mishap = "";

async function look(name) {
  pages += 1;
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const width of widths) {
      await page.setViewportSize({ width, height: 900 });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      if (wide > width) say({ fault: `${name} at ${width}: ${wide} pixels wide, so that it scrolls sideways` });
      await page.screenshot({ path: `${task.pictures}/${name}-${width}-${colorScheme}.png`, fullPage: true });
      await examine(`${name} at ${width} (${colorScheme})`);
    }
  }
  say({ page: name, url: page.url() });
}

// A phone shows other things than a desk does (menus, scrolling tables), so each width is looked at by itself.
async function examine(what) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  for (const { id, impact, help, nodes } of violations) {
    if (impact !== "serious" && impact !== "critical") continue;
    const places = nodes.slice(0, 3).map((node) => `${node.target.join(" ")} ${node.failureSummary ?? ""}`);
    say({ fault: `axe-core at ${what}: ${id}: ${help}: ${places.join(" | ")}` });
  }
}

async function visit(path, name) {
  await page.goto(new URL(path, task.base).href);
  await look(name);
}

// Hides what the page is about.
async function hide(reason) {
  const sheet = page.locator("details.moderate");
  await sheet.locator("summary").click();
  await sheet.getByLabel("Reason").fill(reason);
  await sheet.getByRole("button", { name: "Hide" }).click();
  await page.waitForLoadState("load");
}

function must(condition, text) {
  if (!condition) throw new Error(`${text}, at ${page.url()}`);
}

try {
  await visit("/", "home");
  await visit("/sign-in", "sign-in");

  await page.goto(task.link);
  await look("sign-in-link");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((url) => !url.pathname.startsWith("/sign-in/"));
  await visit("/settings", "settings");

  // The link in the log works once, and says so kindly afterwards.
  mishap = "410";
  await page.goto(task.link);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForLoadState("load");
  await look("used-up-link");
  // A form that was open while its session ended is not taken, and nothing typed is lost without a word.
  mishap = "403";
  await page.goto(new URL("/settings", task.base).href);
  await page.locator('main input[name="csrf"]').first().evaluate((field) => (field.value = "of an older session"));
  await page.locator("main form").first().evaluate((form) => form.requestSubmit());
  await page.waitForLoadState("load");
  await look("old-form");
  mishap = "";

  await visit("/datasets/new", "publish");
  await page.getByLabel("Title").fill("Glacier photographs, 1890 to 1950");
  await page.getByLabel("Publisher").fill("Alpine Museum");
  await page.getByLabel("Description").first().fill("Scanned *glass plates* of forty glaciers.");
  await page.getByLabel("Tags").fill("glaciers, photographs");
  await page.getByLabel("Torrent file").setInputFiles(task.torrent);
  await page.getByRole("button", { name: "Publish" }).click();
  await page.waitForURL((url) => url.pathname !== "/datasets/new");
  await page.getByRole("link", { name: /Glacier photographs/ }).first().waitFor();
  await look("published");

  await page.goto(task.base);
  must((await page.content()).includes("Glacier photographs"), "the home page shows what is new");
  await visit("/datasets", "datasets");
  await visit("/datasets/sea-ice", "dataset");
  await visit(task.published, "upload");
  await visit("/collections", "collections");
  await visit("/collections/climate", "collection");
  await visit("/accounts/ann", "account");
  await visit("/search?q=ice", "search");
  await visit("/about", "about");
  await visit("/feeds", "feeds");
  await visit("/ns", "vocabulary");
  await visit("/tags", "tags");
  await visit("/needs-seeds", "needs-seeds");
  await visit("/moderation", "moderation");
  await visit("/moderation/deliveries", "deliveries");
  await visit("/moderation/deliveries/all", "deliveries-all");

  await page.goto(task.published);
  mishap = "410";
  await hide("The museum asked us to wait.");
  await visit(task.published, "hidden-for-moderators");
  await page.goto(new URL("/accounts/ann", task.base).href);
  await hide("Away until the owner is heard of.");
  await visit("/accounts/ann", "suspended-for-moderators");

  // Someone who is not signed in sees that it is gone, and why.
  await context.clearCookies();
  const answer = await page.goto(task.published);
  must(answer.status() === 410, `a hidden upload answers ${answer.status()}`);
  must((await page.content()).includes("removed by the moderators"), "the page says who removed it");
  must((await page.content()).includes("asked us to wait"), "the page says why");
  await look("hidden");
  await visit("/accounts/ann", "suspended");
  say({ done: { pages } });
} catch (error) {
  await page.screenshot({ path: `${task.pictures}/error.png`, fullPage: true }).catch(() => {});
  say({ error: `${page.url()}: ${error.stack}` });
} finally {
  await context.close();
}
