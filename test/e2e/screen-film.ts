// Films the bar and the count of a tray, frame by frame. It runs inside the page.

/** What the page shows at one moment. */
export interface Frame {
  /** Milliseconds since 1970. */
  at: number;
  /** How full the bar is, from 0 to 1. */
  share: number;
  /** The count that the row's text shows: 480 for "480 of 1,000". Null where there is none. */
  count: number | null;
}

/** Films from now on, into `globalThis.film`. For `addInitScript`: it uses nothing outside itself. */
export function filmTray(): void {
  const film: Frame[] = [];
  Object.assign(globalThis, { film });
  const take = () => {
    const root = document.querySelector('inloop-tray')?.shadowRoot;
    const fill = root?.querySelector('[part=fill]');
    if (root && fill?.checkVisibility()) {
      // The fill is drawn with `scaleX(share)`.
      const share = new DOMMatrix(getComputedStyle(fill).transform).a;
      const said = /([\d,]+)\sof/.exec(root.querySelector('[part=status]')?.textContent ?? '')?.[1];
      film.push({ at: Date.now(), share, count: said === undefined ? null : Number(said.replaceAll(',', '')) });
    }
    requestAnimationFrame(take);
  };
  requestAnimationFrame(take);
}

/**
 * The spans of at least `ms` in which the bar stood still (moved by less than 0.05 % of its length), and how full it was then.
 * Times are in ms since 1970.
 */
export function standstills(frames: readonly Frame[], ms: number): { from: number; to: number; share: number }[] {
  const found: { from: number; to: number; share: number }[] = [];
  let start = frames[0];
  for (const frame of frames) {
    if (start && Math.abs(frame.share - start.share) < 0.0005) continue;
    if (start && frame.at - start.at >= ms) found.push({ from: start.at, to: frame.at, share: start.share });
    start = frame;
  }
  const last = frames.at(-1);
  if (start && last && last.at - start.at >= ms) found.push({ from: start.at, to: last.at, share: start.share });
  return found;
}
