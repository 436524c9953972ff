export const REASONS: Readonly<Record<string, string>> = {};
