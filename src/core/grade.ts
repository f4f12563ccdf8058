/** Grades of participants: what a participant keeps to decides how doubt is resolved (design, section 7). */
export const GRADES = ['G3', 'G2', 'G1', 'G0'] as const;
export type Grade = (typeof GRADES)[number];
