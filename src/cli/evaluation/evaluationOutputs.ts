/** What `evaluate` writes beside its table. */
import { InputError } from '../../errors.js';
import { openEvaluator } from '../../evaluate/evaluator.js';
import type { ImageRecord, ShardResult } from '../../evaluate/records.js';
import { notableImages } from '../../evaluate/report/notable.js';
import { reportImage } from '../../evaluate/report/reportImage.js';
import { checkReportExtension, writeReport } from '../../evaluate/report/writeReport.js';
import type { OpenPlan } from '../../evaluate/run/openPlan.js';
import type { EvaluationTable } from '../../evaluate/table.js';
import { checkWritable } from '../../files/atomic.js';
import { writePicture } from '../../image/encode.js';
import { checkPictureOutput } from '../inputs.js';
import { differencesPicture, type Row } from './evaluationGrid.js';

interface Flags {
  output?: string;
  grid?: string;
}

/** Images in the grid. */
const gridRows = 4;
/** Images whose tokens are measured. */
const measured = 8;

/** Finds out before long work whether the outputs can be written. @throws InputError when one cannot */
export function checkOutputs({ output, grid }: Flags): void {
  if (output !== undefined) {
    checkReportExtension(output);
    checkWritable(output);
  }
  if (grid !== undefined) checkPictureOutput(grid);
  if (output !== undefined && output === grid)
    throw new InputError(`${output}: expected two files for --output and --grid`);
}

/** Writes the report and the grid that the flags ask for; images that stand out are segmented again for them. */
export async function writeOutputs(
  open: OpenPlan,
  table: EvaluationTable,
  results: readonly ShardResult[],
  { output, grid }: Flags,
): Promise<void> {
  const wantsImages = output?.toLowerCase().endsWith('.html') === true;
  if (table.images === 0 || (!wantsImages && grid === undefined)) {
    if (output !== undefined) writeReport(output, { table });
    return;
  }
  const { plan, dataset, identity } = open;
  const records: ImageRecord[] = results.flatMap(({ images }) => images);
  const evaluator = await openEvaluator(plan, { dataset, identity });
  try {
    if (grid !== undefined) {
      const rows: Row[] = [];
      for (const notable of notableImages(records, dataset.classes.length, gridRows)) {
        if (notable.why === 'differ') rows.push({ notable, look: await evaluator.look(notable.index) });
      }
      if (rows.length === 0)
        throw new InputError(`${grid}: no image has a pixel that counts, so there is none to show`);
      await writePicture(grid, differencesPicture(rows, table));
    }
    if (output === undefined) return;
    const images = [];
    const pictures = [];
    for (const notable of wantsImages ? notableImages(records, dataset.classes.length) : []) {
      const { picture, labels, segmentations } = await evaluator.look(notable.index);
      const predictions = segmentations.map(one => one.labels);
      images.push(await reportImage(notable, picture, labels, predictions, dataset.classes));
      if (pictures.length < measured) pictures.push(picture);
    }
    const norms = pictures.length > 0 ? await evaluator.norms(pictures) : [];
    writeReport(output, { table, norms, images });
  } finally {
    await evaluator.dispose();
  }
}
