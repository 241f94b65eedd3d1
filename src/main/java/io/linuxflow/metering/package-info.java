// SPDX-License-Identifier: Apache-2.0
/**
 * The Metering Process (RFC 7011, section 2): attaches the BPF programs, drains the slot log epoch
 * by epoch and hands batches of flows to any number of queues.
 */
package io.linuxflow.metering;
