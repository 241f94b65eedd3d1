// SPDX-License-Identifier: Apache-2.0
/** What more can be known of each flow: enrichments add columns to batches. */
package io.linuxflow.enrich;
