// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.ipfix;

import java.io.IOException;

/**
 * An IPFIX Message that can't be read. The text names the offset in the Message, the Observation
 * Domain and Template where they are known, what is wrong, and the section of RFC 7011 that says
 * so.
 */
public final class IpfixException extends IOException {

    private static final long serialVersionUID = 1;

    IpfixException(String message) {
        super(message);
    }
}
