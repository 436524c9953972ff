/** The plans of hosted Pusher, for estimates of cost. docs/cost.md lists the same plans and says where the figures are from. */

/** One plan of hosted Pusher. */
export interface Plan {
  readonly name: string;
  /** US dollars a month. */
  readonly monthly: number;
  readonly messagesADay: number;
}

/** The plans as listed on the day that docs/cost.md names, the cheapest first. */
export const PLANS: readonly Plan[] = [
  { name: 'Sandbox', monthly: 0, messagesADay: 200_000 },
  { name: 'Startup', monthly: 49, messagesADay: 1_000_000 },
  { name: 'Pro', monthly: 99, messagesADay: 4_000_000 },
  { name: 'Business', monthly: 299, messagesADay: 10_000_000 },
  { name: 'Premium', monthly: 499, messagesADay: 20_000_000 },
  { name: 'Growth', monthly: 699, messagesADay: 40_000_000 },
  { name: 'Plus', monthly: 899, messagesADay: 60_000_000 },
  { name: 'Growth Plus', monthly: 1_199, messagesADay: 90_000_000 },
];
