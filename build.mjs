// Builds static/vendor/ from the pinned packages of package-lock.json. The result is committed: a page never needs node.
//   node build.mjs           writes static/vendor/
//   node build.mjs --check   builds elsewhere and fails when the committed files differ
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as esbuild from "esbuild";
import { PurgeCSS } from "purgecss";
import subsetFont from "subset-font";
import { keptClasses } from "./frontend/tabler_parts.mjs";

const MODULES = "node_modules";
const TARGET = ["chrome111", "firefox113", "safari16.4"];
const FEATURES = { inter: ["kern", "mark", "mkmk", "ccmp", "locl", "tnum"], "jetbrains-mono": ["mark", "mkmk", "ccmp", "locl"] };
const read = (path) => readFileSync(path, "utf8");

/** Our one accent, surfaces and spacing lie above Tabler whatever its selectors: its rules live in a lower cascade layer. */
async function tabler(out) {
  const raw = read(`${MODULES}/@tabler/core/dist/css/tabler.min.css`);
  const [{ css }] = await new PurgeCSS().purge({
    content: [
      {
        raw: '<html><body><a><button><input type="checkbox"><input type="radio"><input type="search"><select><textarea><table><thead><tbody><tr><th><td>',
        extension: "html",
      },
    ],
    css: [{ raw }],
    safelist: {
      standard: [
        "html",
        "body",
        ":root",
        "dialog",
        "summary",
        "details",
        /^(h[1-6]|p|a|b|i|ul|ol|li|dl|dt|dd|pre|code|kbd|img|svg|hr|label|legend|fieldset|progress|small|strong|caption|optgroup|option)$/,
        ...keptClasses,
      ],
    },
    keyframes: true,
  });
  const { code } = await esbuild.transform(`@layer tabler{${withoutDataUrls(css.replace(/@charset[^;]*;/, ""), out)}}`, {
    loader: "css",
    minify: true,
    target: TARGET,
  });
  writeFileSync(join(out, "tabler.css"), code);
}

/** `default-src 'self'` refuses data: images, so each becomes a file beside the sheet. */
function withoutDataUrls(css, out) {
  return css.replace(/url\("data:image\/svg\+xml,([^"]*)"\)/g, (_, encoded) => {
    const svg = decodeURIComponent(encoded.replace(/%(?![0-9a-fA-F]{2})/g, "%25"));
    const name = `tabler-${createHash("sha256").update(svg).digest("hex").slice(0, 10)}.svg`;
    writeFileSync(join(out, name), svg);
    return `url("./${name}")`;
  });
}

/** Of 6,000 icons only those of frontend/icons.txt: 500 kB of font become 36. */
async function icons(out) {
  const sheet = read(`${MODULES}/@tabler/icons-webfont/dist/tabler-icons.css`);
  const names = read("frontend/icons.txt").split("\n").filter(Boolean);
  const rules = names.map((name) => iconRule(sheet, name));
  const font = readFileSync(`${MODULES}/@tabler/icons-webfont/dist/fonts/tabler-icons.woff2`);
  const text = rules.map((rule) => String.fromCodePoint(parseInt(rule.code, 16))).join("");
  writeFileSync(join(out, "icons.woff2"), await subsetFont(font, text, { targetFormat: "woff2" }));
  const head = `@font-face{font-family:"tabler-icons";src:url("./icons.woff2") format("woff2");font-display:block}
.ti{font-family:"tabler-icons"!important;font-style:normal;font-weight:400;font-variant:normal;text-transform:none;line-height:1;\
-webkit-font-smoothing:antialiased}
`;
  writeFileSync(join(out, "icons.css"), head + rules.map((rule) => `.ti-${rule.name}::before{content:"\\${rule.code}"}\n`).join(""));
}

function iconRule(sheet, name) {
  const found = new RegExp(`\\.ti-${name}:before \\{\\s*content: "\\\\([0-9a-f]+)"`).exec(sheet);
  if (!found) throw new Error(`frontend/icons.txt: Tabler has no icon “${name}”.`);
  return { name, code: found[1] };
}

/** Inter for reading, JetBrains Mono for code and figures; upright only, every script the packages have, loaded by unicode range.
 * Only the weights that our sheets use, and no letters joined to signs: `!=` in a query must look as it was typed. */
async function fonts(out) {
  const sheets = await Promise.all(Object.entries(FEATURES).map(([family, features]) => fontFamily(family, features, out)));
  // A page never moves because its font came late: a reader who has not got it yet reads this one page in the system's.
  const code = sheets
    .join("\n")
    .replace(/font-display:\s*swap/g, "font-display: optional")
    .replace(/100 [89]00/g, "400 700");
  writeFileSync(join(out, "fonts.css"), esbuild.transformSync(code, { loader: "css", minify: true }).code);
}

async function fontFamily(family, keepFeatures, out) {
  const from = `${MODULES}/@fontsource-variable/${family}`;
  const sheet = read(`${from}/wght.css`);
  const names = [...sheet.matchAll(/url\(\.\/files\/([^)]+)\)/g)].map(([, name]) => name);
  const options = { targetFormat: "woff2", keepAllGlyphs: true, keepFeatures, variationAxes: { wght: { min: 400, max: 700 } } };
  for (const name of names) writeFileSync(join(out, name), await subsetFont(readFileSync(`${from}/files/${name}`), null, options));
  return sheet.replace(/url\(\.\/files\//g, "url(./");
}

/** style-mod writes a <style> element unless it is in a shadow root; the CSP refuses that. A constructed sheet is allowed everywhere. */
const constructedStyleSheets = {
  name: "constructed-style-sheets",
  setup(build) {
    build.onLoad({ filter: /style-mod\/src\/style-mod\.js$/ }, (args) => {
      const before = "if (!root.head && root.adoptedStyleSheets";
      const source = read(args.path);
      if (!source.includes(before)) throw new Error("style-mod changed: look again how CodeMirror mounts its styles.");
      return { contents: source.replace(before, "if (root.adoptedStyleSheets"), loader: "js" };
    });
  },
};

async function codemirror(out) {
  await esbuild.build({
    entryPoints: ["frontend/codemirror.js", "frontend/codemirror_merge.js"],
    outdir: out,
    bundle: true,
    splitting: true,
    chunkNames: "codemirror-[hash]",
    format: "esm",
    minify: true,
    target: TARGET,
    charset: "utf8",
    legalComments: "none",
    loader: { ".txt": "text" },
    plugins: [constructedStyleSheets],
  });
}

async function echarts(out) {
  await esbuild.build({
    entryPoints: ["frontend/echarts.js"],
    outdir: out,
    bundle: true,
    format: "esm",
    minify: true,
    target: TARGET,
    charset: "utf8",
    legalComments: "none",
  });
}

function htmx(out) {
  writeFileSync(join(out, "htmx.js"), read(`${MODULES}/htmx.org/dist/htmx.min.js`));
}

/** For the browser tests only; no page loads it. With its licence in its first lines. */
function axe() {
  mkdirSync("tests/browser/vendor", { recursive: true });
  writeFileSync("tests/browser/vendor/axe.min.js", read(`${MODULES}/axe-core/axe.min.js`));
}

/** The packages whose text or code is in static/vendor, with their licences. */
function licences(out) {
  const lock = JSON.parse(read("package-lock.json")).packages;
  const inside =
    /^node_modules\/(@codemirror\/|@lezer\/|@marijn\/|@tabler\/|@fontsource-variable\/|htmx\.org|style-mod|w3c-keyname|crelt|echarts|zrender|tslib)/;
  const texts = Object.keys(lock)
    .filter((path) => inside.test(path))
    .sort()
    .map((path) => {
      const file = readdirSync(path).find((name) => /^licen[sc]e/i.test(name));
      return `${path.slice(13)} ${lock[path].version} (${lock[path].license})\n\n${file ? read(join(path, file)).trim() : "See the package."}\n`;
    });
  writeFileSync(join(out, "LICENCES.txt"), texts.join("\n----\n\n"));
}

async function build(out) {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  await Promise.all([tabler(out), icons(out), codemirror(out), fonts(out), echarts(out)]);
  htmx(out);
  licences(out);
}

function differences(one, other) {
  const names = [...new Set([...readdirSync(one), ...readdirSync(other)])].sort();
  const bytes = (folder, name) => {
    try {
      return readFileSync(join(folder, name)).toString("base64");
    } catch {
      return null;
    }
  };
  return names.filter((name) => bytes(one, name) !== bytes(other, name));
}

if (process.argv.includes("--check")) {
  const fresh = mkdtempSync(join(tmpdir(), "vendor-"));
  await build(fresh);
  const changed = differences("static/vendor", fresh);
  rmSync(fresh, { recursive: true });
  if (changed.length) {
    console.error(`static/vendor is not what the packages give: ${changed.join(", ")}. Run “npm ci && npm run build” and commit.`);
    process.exit(1);
  }
  console.log("static/vendor is what the packages give.");
} else {
  await build("static/vendor");
  axe();
  console.log("static/vendor written.");
}
