/** Dialogs: the browser's own, which keeps the focus inside and closes with Escape. */
import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { ApiProblem } from '../api/client.ts';
import { useMe } from '../api/queries.ts';
import { Code } from '../parts/bits.tsx';
import { say } from '../parts/say.ts';

export function Dialog({
  label,
  className,
  onClose,
  children,
}: {
  readonly label: string;
  readonly className?: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog
      ref={dialog}
      aria-label={label}
      {...(className === undefined ? {} : { className })}
      onClose={onClose}
      onClick={(event) => {
        if (event.target === dialog.current) dialog.current?.close();
      }}
      onKeyDown={() => undefined}
    >
      {children}
    </dialog>
  );
}

const REASON_MAX = 500;

/**
 * Every act: what it does and leaves, a reason for the audit, a button named after the act. A refusal shows what was
 * found, and the reason that was typed stays.
 */
export function ActDialog({
  title,
  preview,
  button,
  fields,
  onAct,
  onClose,
  says,
}: {
  readonly title: string;
  readonly preview: ReactNode;
  readonly button: string;
  readonly fields?: ReactNode;
  readonly onAct: (reason: string) => Promise<unknown>;
  readonly onClose: () => void;
  /** Told when it was done. */
  readonly says: string;
}) {
  const { data: me } = useMe();
  const [reason, setReason] = useState('');
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [busy, setBusy] = useState(false);
  const id = useId();
  const submit = async () => {
    setBusy(true);
    setProblem(null);
    try {
      await onAct(reason.trim());
      say(says);
      onClose();
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      setProblem(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog label={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <div className="dh">
          <h2>{title}</h2>
        </div>
        <div className="dbody">
          {fields}
          <div className="prev">{preview}</div>
          <div className="field">
            <label htmlFor={id}>Reason, kept in the audit</label>
            <textarea
              id={id}
              required
              maxLength={REASON_MAX}
              placeholder="Why, and the ticket if there is one"
              value={reason}
              onChange={(event) => setReason(event.target.value.replaceAll('\n', ' '))}
            />
          </div>
          {problem !== null && <ProblemNote problem={problem} />}
        </div>
        <div className="df">
          <span className="dim grow">as {me?.name ?? 'nobody'}</span>
          <button className="btn" type="button" onClick={onClose}>
            Cancel
          </button>
          <button className="btn pri" type="submit" disabled={busy || reason.trim() === ''}>
            {button}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

export function ProblemNote({ problem }: { readonly problem: ApiProblem }) {
  return (
    <p className="note" role="alert">
      <span>
        <span className="warn">{problem.title}</span> {problem.detail} {problem.remedy}{' '}
        <Code code={problem.code} />
      </span>
    </p>
  );
}
