/**
 * What code that runs as an au2 job may use: its arguments, output and status.
 *
 * The job finds the names of its files in environment variables. Where they are not set, as on your
 * own machine, files in the working directory take their place. Node.js 14 and newer, nothing else.
 */
"use strict";

const crypto = require("crypto");
const fs = require("fs");
const os = require("os");
const path = require("path");

const STATUS_CHARACTERS = 8192;

/**
 * Return the arguments of this run, an object.
 *
 * Outside a container: what is in `args.json`, nothing if that does not exist.
 */
function readArguments() {
  const given = process.env.AU_ARGS_FILE;
  let text;
  try {
    text = fs.readFileSync(given || "args.json", "utf8");
  } catch (error) {
    if (given || error.code !== "ENOENT") throw error;
    return {};
  }
  const found = JSON.parse(text);
  if (found === null || typeof found !== "object" || Array.isArray(found)) {
    throw new TypeError("the arguments must be a JSON object");
  }
  return found;
}

/**
 * Set the output of this run, an object; the last call counts.
 *
 * Outside a container: into `output.json`.
 */
function writeOutput(output) {
  const data = JSON.stringify(output, refuse);
  if (data === undefined || data[0] !== "{") {
    throw new TypeError("the output must be an object");
  }
  write("AU_OUTPUT_FILE", "output.json", data);
}

/**
 * Say what is being done, and how far it is (0 to 1); shown while the job runs.
 *
 * Each call replaces the one before. Outside a container: into `status.json`.
 */
function status(text, progress) {
  const document = {};
  if (text !== undefined && text !== null) {
    // By way of UTF-8, which has no half characters. Cut by whole ones.
    const whole = Buffer.from(String(text)).toString();
    document.text =
      whole.length > STATUS_CHARACTERS ? [...whole].slice(0, STATUS_CHARACTERS).join("") : whole;
  }
  if (progress !== undefined && progress !== null) {
    if (!(Number(progress) >= 0 && Number(progress) <= 1)) {
      throw new RangeError(`progress goes from 0 to 1, not ${progress}`);
    }
    document.progress = Number(progress);
  }
  write("AU_STATUS_FILE", "status.json", JSON.stringify(document));
}

/**
 * Return a folder to write to that is gone after the job.
 *
 * Outside a container: a new folder in the system's place for temporary files.
 */
function scratchDirectory() {
  return process.env.AU_SCRATCH_DIR || fs.mkdtempSync(path.join(os.tmpdir(), "aunsight-"));
}

/** JSON.stringify would write null for such a number and {} for a map or a set, and say nothing. */
function refuse(key, value) {
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new RangeError(`JSON has no ${value} (at '${key}')`);
  }
  if (value instanceof Map || value instanceof Set) {
    throw new TypeError(`JSON has no ${value.constructor.name} (at '${key}'): make an object or array`);
  }
  return value;
}

function write(variable, local, data) {
  const file = path.resolve(process.env[variable] || local);
  try {
    replace(file, data);
  } catch {
    // The file itself may be writable where its folder is not, or be a mount.
    fs.writeFileSync(file, data);
  }
}

/** Replace a file as a whole, so that nobody ever reads half of it. */
function replace(file, data) {
  const unique = crypto.randomBytes(6).toString("hex");
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${unique}`);
  try {
    fs.writeFileSync(temporary, data, { flag: "wx" });
    // Whoever collects it may be somebody else.
    fs.chmodSync(temporary, 0o644);
    fs.renameSync(temporary, file);
  } catch (error) {
    try {
      fs.unlinkSync(temporary);
    } catch {
      // It was never made.
    }
    throw error;
  }
}

// One by one: that is how `import { status } from "aunsight"` finds them.
exports.arguments = readArguments;
exports.writeOutput = writeOutput;
exports.status = status;
exports.scratchDirectory = scratchDirectory;
