/** The plans of hosted Pusher, for estimates of cost. docs/cost.md lists the same plans and says where the figures are from. */

/** One plan of hosted Pusher. */
export interface Plan {
  readonly name: string;
  /** In US dollars. */
  readonly dollarsPerMonth: number;
  readonly messagesPerDay: number;
}

/** The plans as listed on the day that docs/cost.md names, the cheapest first. */
export const PLANS: readonly Plan[] = [
  { name: 'Sandbox', dollarsPerMonth: 0, messagesPerDay: 200_000 },
  { name: 'Startup', dollarsPerMonth: 49, messagesPerDay: 1_000_000 },
  { name: 'Pro', dollarsPerMonth: 99, messagesPerDay: 4_000_000 },
  { name: 'Business', dollarsPerMonth: 299, messagesPerDay: 10_000_000 },
  { name: 'Premium', dollarsPerMonth: 499, messagesPerDay: 20_000_000 },
  { name: 'Growth', dollarsPerMonth: 699, messagesPerDay: 40_000_000 },
  { name: 'Plus', dollarsPerMonth: 899, messagesPerDay: 60_000_000 },
  { name: 'Growth Plus', dollarsPerMonth: 1_199, messagesPerDay: 90_000_000 },
];
