"use strict";
const fs = require("fs");
const aunsight = require("aunsight");
const isNumber = require("is-number");

const args = aunsight.arguments();
aunsight.status("adding up", 0.5);
console.log(fs.readFileSync("prepared.txt", "utf8").trim());
console.log("the key is", process.env.API_KEY);
aunsight.writeOutput({
  label: args.label,
  total: args.numbers.filter(isNumber).reduce((sum, number) => sum + number, 0),
  greeting: process.env.GREETING,
  key_length: process.env.API_KEY.length,
  dependency: require("is-number/package.json").version,
});
