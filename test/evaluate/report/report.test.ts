import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { InputError } from '../../../src/errors.js';
import type { ImageRecord } from '../../../src/evaluate/records.js';
import { intervalScale } from '../../../src/evaluate/report/charts.js';
import { reportMarkdown } from '../../../src/evaluate/report/markdown.js';
import { html } from '../../../src/evaluate/report/markup.js';
import { notableImages } from '../../../src/evaluate/report/notable.js';
import { reportHtml } from '../../../src/evaluate/report/page.js';
import { settingsOf } from '../../../src/evaluate/report/report.js';
import { reportImage } from '../../../src/evaluate/report/reportImage.js';
import { checkReportExtension, reportJson, writeReport } from '../../../src/evaluate/report/writeReport.js';
import { decodePicture } from '../../../src/image/decode.js';
import { rgbPicture } from '../../../src/image/picture.js';
import { rejection } from '../../files/rejection.js';
import { hostile, sampleReport } from './sample.js';

describe('reports', () => {
  it('hold the same table in every form', async () => {
    const { table, norms, images } = await sampleReport();
    const markdown = reportMarkdown({ table, norms });
    for (const { name, mIoU, interval, boundaryIoU } of table.methods) {
      const figures = [mIoU!, interval[0]!, interval[1]!, boundaryIoU!].map(score => (100 * score).toFixed(2));
      const [line] = markdown.split('\n').filter(text => text.startsWith(`| ${name} |`));
      for (const figure of figures) expect(line).to.include(figure);
    }
    for (const part of ['night sky', 'protocol.stride', 'a broken file', table.identity.hash, '## Norms']) {
      expect(markdown).to.include(part);
    }
    const { norms: written, notable, ...rest } = JSON.parse(reportJson({ table, norms, images }));
    expect(rest).to.deep.equal(table);
    expect(written).to.deep.equal(norms);
    expect(notable).to.have.length(images.length);
    expect(JSON.parse(reportJson({ table }))).to.deep.equal(table);
  });

  it('are the same bytes for the same table', async () => {
    expect(reportHtml(await sampleReport())).to.equal(reportHtml(await sampleReport()));
  });

  it('name every constant of every method', async () => {
    const { table } = await sampleReport();
    const settings = new Map(settingsOf(table).map(({ name, values }) => [name, values]));
    expect(settings.get('protocol.stride')).to.deep.equal(
      table.methods.map(({ record }) => `${record.protocol.stride}`),
    );
    expect(settings.get('protocol.pamr.dilations')).to.deep.equal(Array(3).fill('[8,16]'));
    expect(settings.get('variant.residual')).to.deep.equal(['–', '–', 'false']);
  });

  it('keep hostile names from becoming markup, in Markdown too', async () => {
    const markdown = reportMarkdown(await sampleReport(hostile));
    expect(markdown).to.not.match(/<|(?<!\\)\[|(?<!\\)`/);
    const columns = (line: string) => line.split(/(?<!\\)\|/).length;
    const rows = markdown.split('\n\n').filter(block => block.startsWith('|'));
    for (const block of rows) expect(new Set(block.split('\n').map(columns)).size).to.equal(1);
    expect(html`<b title="${hostile[1]}">${[1, html`<i>`, '&']}</b>`.markup).to.equal(
      '<b title="&quot;&gt;&lt;img src=x onerror=&quot;globalThis.owned = true&quot;&gt;">1<i>&amp;</b>',
    );
  });

  it('do with one method, no images, no norms, and nothing to score', async () => {
    const { table } = await sampleReport();
    const nothing = { iou: null, accuracy: null, boundaryIoU: null };
    const method = {
      ...table.methods[0]!,
      ...{ mIoU: null, mAcc: null, aAcc: null, boundaryIoU: null, interval: [null, null] as const },
      perClass: table.dataset.classes.map(name => ({ name, ...nothing })),
    };
    const report = { table: { ...table, images: 0, methods: [method], failures: [] } };
    for (const text of [reportHtml(report), reportMarkdown(report)]) {
      expect(text).to.include('–');
      expect(text.replace(/<script>.*<\/script>/s, '')).to.not.match(/NaN|null|undefined|Infinity/);
      expect(text).to.not.include('do not count');
    }
    const many = Array.from({ length: 250 }, (_, i) => ({ id: `image ${i}`, failure: 'broken' }));
    const page = reportHtml({ table: { ...table, failures: many } });
    expect(page).to.include('Images that do not count: 250').and.include('and 50 more').and.not.include('image 200');
  });

  it('are files by their extension', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'report-'));
    const report = await sampleReport();
    try {
      for (const [name, start] of [
        ['a.html', '<!doctype html>'],
        ['a.MD', '# scenes'],
        ['a.json', '{'],
      ] as const) {
        writeReport(join(folder, name), report);
        expect(readFileSync(join(folder, name), 'utf8').startsWith(start), name).to.equal(true);
      }
      for (const [name, got] of [
        ['a.pdf', '.pdf'],
        ['report', 'no extension'],
      ] as const) {
        const message = `expected a name that ends in .html, .md, .json, got ${got}`;
        expect(() => checkReportExtension(name)).to.throw(InputError, message);
        expect(() => writeReport(join(folder, name), report)).to.throw(InputError, message);
        expect(existsSync(join(folder, name))).to.equal(false);
      }
      expect(() => writeReport(join(folder, 'gone', 'a.html'), report)).to.throw(InputError, 'cannot be written');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the scale of intervals', () => {
  const figures = (scores: (number | null)[]) =>
    [...intervalScale(scores).axis.markup.matchAll(/>([\d.]+)</g)].map(([, figure]) => figure);

  it('goes from round figure to round figure around all of them', () => {
    expect(figures([0.32, 0.41, 0.35, 0.78])).to.deep.equal(['20', '40', '60', '80']);
    expect(figures([0.551, 0.562])).to.deep.equal(['55.0', '55.5', '56.0', '56.5']);
    expect(figures([0.5, null])).to.deep.equal(['50.0', '50.5']);
    expect(figures([0, 1])).to.deep.equal(['0', '50', '100']);
    expect(figures([null, null])).to.deep.equal([]);
  });

  it('draws a score between the ends of its interval', () => {
    const { markup } = intervalScale([0.2, 0.4]).draw(0.3, [0.2, 0.4]);
    const [, from, to] = /class="span" x1="([\d.]+)" x2="([\d.]+)"/.exec(markup)!;
    const [, at] = /cx="([\d.]+)"/.exec(markup)!;
    expect(Number(at)).to.be.closeTo((Number(from) + Number(to)) / 2, 0.011);
  });
});

describe('notable images', () => {
  /** An image whose methods labelled so many of its 100 pixels right. */
  const image = (id: string, ...right: number[]): ImageRecord => ({
    id,
    height: 10,
    width: 10,
    methods: right.map(pixels => ({ pairs: [0, 0, pixels, 0, 1, 100 - pixels], boundary: [] })),
  });
  const failed: ImageRecord = { id: 'broken', height: 1, width: 1, methods: [], failure: 'it is' };
  const void_: ImageRecord = {
    ...image('void', 1, 1),
    methods: [
      { pairs: [], boundary: [] },
      { pairs: [], boundary: [] },
    ],
  };

  it('are those that methods differ on, then the best, then the worst', () => {
    const records = [failed, image('a', 50, 52), image('b', 90, 10), void_, image('c', 90, 88), image('d', 4, 4)];
    const found = notableImages(records, 2, 1);
    expect(found.map(({ id, index, why }) => `${id} ${index} ${why}`)).to.deep.equal([
      'b 2 differ',
      'c 4 best',
      'd 5 worst',
    ]);
    // One class is wrong throughout: half of the IoU of the other.
    expect(found[0]!.scores).to.deep.equal([0.45, 0.05]);
    expect(notableImages(records, 2, 9)).to.have.length(4);
  });

  it('of one method do not differ', () => {
    const found = notableImages([failed, image('a', 50), image('b', 60)], 2, 1);
    expect(found.map(({ id, why }) => `${id} ${why}`)).to.deep.equal(['b best', 'a worst']);
    expect(notableImages([failed], 2)).to.deep.equal([]);
    expect(notableImages([], 2)).to.deep.equal([]);
  });

  const notable = { id: 'a', index: 0, why: 'best', scores: [1] } as const;
  const classes = ['background', 'cat', 'dog'];

  it('become small pictures: the labels that were there, those ignored transparent', async () => {
    const [width, height] = [1280, 640];
    const picture = rgbPicture(width, height, new Uint8Array(width * height * 3).fill(77));
    const truth = Uint8Array.from({ length: width * height }, (_, i) => (i % width < 640 ? 2 : 255));
    const { predictions, legend, ...rest } = await reportImage(notable, picture, truth, [truth.map(() => 0)], classes);
    expect([rest.width, rest.height]).to.deep.equal([320, 160]);
    const read = (uri: string) => decodePicture(Buffer.from(uri.replace('data:image/png;base64,', ''), 'base64'), 'a');
    const map = await read(rest.truth);
    expect([map.mode, map.width, map.height]).to.deep.equal(['P', 320, 160]);
    expect([...map.data.subarray(0, 320)]).to.deep.equal([...Array(160).fill(2), ...Array(160).fill(255)]);
    expect([map.palette!.alpha![2], map.palette!.alpha![255]]).to.deep.equal([255, 0]);
    expect(new Set((await read(predictions[0]!)).data)).to.deep.equal(new Set([0]));
    expect(new Set((await read(rest.photo)).data)).to.deep.equal(new Set([77]));
    expect(legend.map(({ label }) => label)).to.deep.equal([0, 2]);
    const dog = [...map.palette!.rgb.subarray(6, 9)].map(value => value.toString(16).padStart(2, '0')).join('');
    expect(legend[1]!.colour).to.equal(`#${dog}`);
  });

  it('refuse labels of another size or of no class', async () => {
    const picture = rgbPicture(2, 2, new Uint8Array(12));
    const make = (truth: number[], predicted: number[]) =>
      reportImage(notable, picture, Uint8Array.from(truth), [Uint8Array.from(predicted)], classes);
    expect(await rejection(make([0, 0, 0], [0, 0, 0, 0]))).to.include(
      'image a: expected labels of 2 x 2 pixels, got 3',
    );
    expect(await rejection(make([0, 0, 0, 255], [0, 0, 0, 3]))).to.include(
      'image a: expected classes from 0 to 2, got 3',
    );
  });
});
