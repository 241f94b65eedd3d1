// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.json;

import java.io.IOException;

/** JSON that is no array of flows, or a flow in it that can't be one; says which, and why. */
public final class FlowJsonException extends IOException {

    private static final long serialVersionUID = 1;

    FlowJsonException(String message) {
        super(message);
    }
}
