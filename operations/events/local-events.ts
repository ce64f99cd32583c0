import { followLines } from '../follow-lines.ts';
import type { EventSource } from './event-source.ts';

/** The events of a local system. @param control its control address */
export const localEvents = (control: string): EventSource => ({
  events: (signal) => followLines(`${control}/events?follow=true&last=0`, signal),
  close: () => Promise.resolve(),
});
