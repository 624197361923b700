/** Whose time a record bears: its producer's, or that of the append. */
export type TimestampType = "CreateTime" | "LogAppendTime";
