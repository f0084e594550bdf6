//! HTTP as connectors use it.
