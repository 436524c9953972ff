/** The demo's background tasks, declared once: the server starts them, the worker runs them. */

import { defineTask } from 'inloop';
import { z } from 'zod';

/** How fast an import goes: `slow` waits a moment at each row, so that a small file can be watched. */
export const paceSchema = z.enum(['full', 'slow']);

/** Names a file in DATA_DIR/uploads, so nothing but hex digits may get into it. */
const uploadIdSchema = z.string().regex(/^[0-9a-f]{32}$/, 'expected 32 hex digits');

/** Longest name of an uploaded file, in UTF-16 code units. With `Import ` before it, it fits into a title (200). */
export const MAX_FILENAME_LENGTH = 150;

/** Reads a CSV of contacts into the owner's address book. */
export const importContacts = defineTask({
  name: 'import-contacts',
  input: z.object({ uploadId: uploadIdSchema, filename: z.string().min(1).max(MAX_FILENAME_LENGTH), pace: paceSchema }),
  output: z.object({
    imported: z.number().int().nonnegative(),
    skipped: z.number().int().nonnegative(),
    /** Where the owner downloads the rows that were left out; null where none was. */
    rejectsUrl: z.string().nullable(),
  }),
  /** The rows up to `row` of `total` are saved. */
  checkpoint: z.object({ row: z.number().int().nonnegative(), total: z.number().int().nonnegative() }),
  title: (input) => `Import ${input.filename}`,
  /** Shares of the time: reading takes a tenth of the bar. */
  stages: { reading: 1, saving: 9 },
  attempts: 3,
  deadline: '30m',
});

/** Writes the owner's contacts to a CSV that only the owner can download. */
export const exportContacts = defineTask({
  name: 'export-contacts',
  input: z.object({}),
  output: z.object({ exported: z.number().int().nonnegative(), downloadUrl: z.string() }),
  title: 'Export contacts',
  attempts: 3,
  deadline: '10m',
});
