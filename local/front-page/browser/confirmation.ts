let isNeeded = false;

/** Lets every change ask first, from now on. */
export function requireConfirmation(): void {
  isNeeded = true;
}

/** Whether the reader wants the change. */
export const isConfirmed = (question: string): boolean => !isNeeded || confirm(question);
