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
/** Levels of objects and arrays that the platform takes. */
const DEEPEST = 100;
const LONGEST_POINTER = 200;

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
 * Set the output of this run, an object or a Map; the last call counts.
 *
 * Dates are written as text in ISO 8601, maps as objects, sets and typed arrays as arrays, and a
 * BigInt as a number, if a number holds it. For what has no form in JSON there is an error that
 * says where it is. Outside a container: into `output.json`.
 */
function writeOutput(output) {
  const plain = output === undefined ? undefined : makePlain(output, []);
  if (plain === null || typeof plain !== "object" || Array.isArray(plain)) {
    throw new TypeError("the output must be an object");
  }
  write("AU_OUTPUT_FILE", "output.json", JSON.stringify(plain));
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

/**
 * Return a value made of what JSON has. JSON.stringify alone would write null for NaN and {} for a
 * map, a set, an error or a promise, and say nothing.
 */
function makePlain(value, place) {
  if (place.length > DEEPEST) {
    throw wrong(RangeError, place, `is nested deeper than ${DEEPEST} levels: does it contain itself?`);
  }
  switch (typeof value) {
    case "number":
      if (Number.isFinite(value)) return value;
      throw wrong(RangeError, place, `is ${value}, which no number of JSON is; null stands for no value`);
    case "bigint":
      if (Number.isSafeInteger(Number(value))) return Number(value);
      throw wrong(RangeError, place, "is a BigInt that no number holds; String(value) keeps its digits");
    case "function":
    case "symbol":
      throw wrong(TypeError, place, `is a ${typeof value}, which has no form in JSON`);
    case "object":
      return value === null ? null : makePlainObject(value, place);
    default:
      return value; // Text, truth values, and undefined, which is left out as by JSON.stringify.
  }
}

function makePlainObject(value, place, isReplaced = false) {
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw wrong(RangeError, place, "is an invalid Date");
    return value.toISOString();
  }
  if (Buffer.isBuffer(value) || value instanceof ArrayBuffer || value instanceof DataView) {
    const how = "Buffer.from(value).toString('base64') makes text of them";
    throw wrong(TypeError, place, `is bytes, which JSON has not; ${how}`);
  }
  if (value instanceof Promise) throw wrong(TypeError, place, "is a Promise; await it");
  if (value instanceof Error) throw wrong(TypeError, place, "is an Error; String(error) makes text of it");
  if (value instanceof Number || value instanceof String || value instanceof Boolean) {
    return makePlain(value.valueOf(), place);
  }
  if (typeof value.toJSON === "function" && !isReplaced) {
    const replacement = value.toJSON(place[place.length - 1] || "");
    const isObject = replacement !== null && typeof replacement === "object";
    // Not asked again: it may be the same object.
    return isObject ? makePlainObject(replacement, place, true) : makePlain(replacement, place);
  }
  if (value instanceof Map) return makeObject(value, place);
  if (Array.isArray(value) || value instanceof Set || ArrayBuffer.isView(value)) {
    return Array.from(value, (item, index) => makePlain(item, [...place, String(index)]));
  }
  return makeObject(Object.entries(value), place);
}

function makeObject(pairs, place) {
  const made = Object.create(null);
  for (const [key, item] of pairs) {
    if (key !== null && typeof key === "object" && !(key instanceof Date)) {
      throw wrong(TypeError, place, "has an object as a key; make it text");
    }
    const name = key instanceof Date ? makePlain(key, place) : String(key);
    if (name in made) throw wrong(TypeError, [...place, name], "is there twice");
    made[name] = makePlain(item, [...place, name]);
  }
  return made;
}

/** Return an error that names a place in the output as a JSON Pointer (RFC 6901). */
function wrong(kind, place, what) {
  const names = place.map((key) => "/" + key.replace(/~/g, "~0").replace(/\//g, "~1"));
  const pointer = names.join("").slice(0, LONGEST_POINTER);
  const where = place.length ? JSON.stringify(pointer).slice(1, -1) : "";
  return new kind(`the output can't be encoded as JSON: ${where ? `'${where}'` : "it"} ${what}`);
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
