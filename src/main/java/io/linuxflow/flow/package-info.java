// SPDX-License-Identifier: Apache-2.0
/** What a flow is: its layout, batches of them, views of one. Imports nothing of ours. */
package io.linuxflow.flow;
