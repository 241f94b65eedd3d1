// SPDX-License-Identifier: Apache-2.0
/** Flows as JSON, and JSON as flows. */
package io.linuxflow.json;
