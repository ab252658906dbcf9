// read.js READER DIRECTORY prints what node's READER makes of DIRECTORY/.env, as JSON.
const fs = require("fs");
const path = require("path");
const [reader, directory] = process.argv.slice(2);
let entries;
if (reader === "@next/env") {
  const before = new Set(Object.keys(process.env));
  const quiet = { info() {}, error: (...problem) => { throw new Error(problem.join(" ")); } };
  require(reader).loadEnvConfig(directory, false, quiet);
  entries = Object.fromEntries(Object.entries(process.env).filter(([name]) => !before.has(name) && !name.startsWith("__NEXT")));
} else if (reader.startsWith("dotenv-expand-")) {
  const parsed = require("dotenv").parse(fs.readFileSync(path.join(directory, ".env")));
  entries = require(reader).expand({ parsed, processEnv: {}, ignoreProcessEnv: true }).parsed;
} else if (reader === "node --env-file") {
  entries = require("util").parseEnv(fs.readFileSync(path.join(directory, ".env"), "utf-8"));
} else {
  entries = require(reader).parse(fs.readFileSync(path.join(directory, ".env")));
}
process.stdout.write(JSON.stringify(entries));
