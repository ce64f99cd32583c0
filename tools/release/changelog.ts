import { Refusal } from './refusal.ts';

const unreleased = /^## (?:Unreleased|(\d+\.\d+\.\d+), unreleased)$/im;

/**
 * The changelog with its unreleased section released: `## 1.2.0, unreleased` or `## Unreleased` becomes `## 1.2.0, 2026-03-01`.
 *
 * @param version the version to release, `1.2.0`
 * @param date the day of the release, `2026-03-01`
 * @throws {Refusal} when there is no such section, when it names another version, when that version is released, or when
 *   nothing is in it
 */
export function releaseChangelog(changelog: string, version: string, date: string): string {
  const found = unreleased.exec(changelog);
  if (!found) throw new Refusal(`CHANGELOG.md has no section "${version}, unreleased". Add one.`);
  const named = found[1];
  if (named !== undefined && named !== version) {
    throw new Refusal(`CHANGELOG.md announces ${named}. Rename its section or release ${named}.`);
  }
  if (headingOf(version).test(changelog)) {
    throw new Refusal(`CHANGELOG.md has a section of ${version} already. Choose the next version.`);
  }
  const released = changelog.replace(unreleased, `## ${version}, ${date}`);
  releaseNotes(released, version);
  return released;
}

/**
 * What the changelog says of a released version, without the heading.
 *
 * @throws {Refusal} when the version has no section, or an empty one
 */
export function releaseNotes(changelog: string, version: string): string {
  const heading = headingOf(version).exec(changelog);
  if (!heading) throw new Refusal(`CHANGELOG.md has no section of ${version}.`);
  const rest = changelog.slice(heading.index + heading[0].length);
  const notes = rest.slice(0, /^## /m.exec(rest)?.index).trim();
  if (notes === '') throw new Refusal(`The section of ${version} in CHANGELOG.md is empty.`);
  return notes;
}

/** The heading of a released version. The first versions have no date. */
const headingOf = (version: string): RegExp =>
  new RegExp(`^## ${version.replaceAll('.', '\\.')}(?:, \\d{4}-\\d{2}-\\d{2})?$`, 'm');
