// SPDX-License-Identifier: Apache-2.0
/**
 * Flows as IPFIX: which flow field is which Information Element, and the Exporting Process that
 * turns batches of flows into Messages.
 */
package io.linuxflow.exporting;
