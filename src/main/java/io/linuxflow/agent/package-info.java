// SPDX-License-Identifier: Apache-2.0
/**
 * The configuration file of wide-vsix/linux-flow-exporter: read, turned into Camel routes, and run.
 */
package io.linuxflow.agent;
