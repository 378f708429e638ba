#!/usr/bin/env node
/** The `clipscope` command. Commands load what they need when they run, so that `--help` costs next to nothing. */
import { run } from './cli/program.js';

process.exitCode = await run(process.argv.slice(2));
