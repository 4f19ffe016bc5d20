/** Return the arguments of this run. Outside a container: what is in `args.json`. */
declare function readArguments(): Record<string, any>;
/** Set the output of this run; the last call counts. Outside a container: into `output.json`. */
export function writeOutput(output: object): void;
/** Say what is being done, and how far it is (0 to 1); shown while the job runs. */
export function status(text?: string | null, progress?: number | null): void;
/** Return a folder to write to that is gone after the job. */
export function scratchDirectory(): string;
export { readArguments as arguments };
